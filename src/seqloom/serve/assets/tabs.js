// The choice of a view: a row of tabs; arrow keys move to the next tab and show its view.

import { make } from "./elements.js";

export function makeTabs(views, panel, choose) {
  const tabs = views.map((view) =>
    make(
      "button",
      {
        type: "button",
        id: `tab-${view.id}`,
        role: "tab",
        attributes: { "aria-controls": panel.id },
        on: { click: () => choose(view.id) },
      },
      view.title,
    ),
  );
  const element = make("div", { className: "tabs", role: "tablist", ariaLabel: "what to look at" }, ...tabs);
  element.addEventListener("keydown", (event) => {
    const at = tabs.indexOf(document.activeElement);
    const next = { ArrowLeft: at - 1, ArrowRight: at + 1, Home: 0, End: tabs.length - 1 }[event.key];
    if (next === undefined || at < 0) return;
    event.preventDefault();
    const tab = tabs[(next + tabs.length) % tabs.length];
    tab.focus();
    tab.click();
  });
  return {
    element,
    focus: () => tabs.find((tab) => tab.tabIndex === 0).focus(),
    show(id) {
      for (const tab of tabs) {
        const chosen = tab.id === `tab-${id}`;
        tab.setAttribute("aria-selected", String(chosen));
        tab.tabIndex = chosen ? 0 : -1;
      }
      panel.setAttribute("aria-labelledby", `tab-${id}`);
    },
  };
}
