// Draws the charts, and makes the page's few controls work. Without it, sentences and tables say the same.
(() => {
  "use strict";
  const store = JSON.parse(document.getElementById("store").textContent);
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];
  const views = new Map();
  let focused = "";

  // A chart is drawn when its place is first laid out, because it takes its width from there.
  async function draw(place) {
    const name = place.dataset.chart;
    if (views.has(name) || !place.getClientRects().length) return;
    views.set(name, null);
    const own = store.charts[name];
    const spec = { ...own, datasets: { ...store.datasets, ...own.datasets } };
    const result = await vegaEmbed(place, spec,
      // Expressions are interpreted, not compiled: the page's policy forbids making code of texts.
      { actions: false, ast: true, config: store.config, renderer: "svg" });
    views.set(name, result.view);
    // The place is an image with a description; Vega's own roles inside it would be images without one.
    place.querySelector("svg")?.setAttribute("aria-hidden", "true");
    focus(result.view);
  }
  // One after the other, with a breath between them: a page of many charts answers its reader all the while.
  async function drawAll() {
    for (const place of all("[data-chart]")) {
      await draw(place);
      await new Promise((resume) => { setTimeout(resume); });
    }
  }

  function focus(view) {
    try { view.signal("focus", focused).run(); } catch { /* This chart has no arms to bring out. */ }
  }
  for (const button of all("[data-arm]")) {
    button.addEventListener("click", () => {
      focused = focused === button.dataset.arm ? "" : button.dataset.arm;
      for (const other of all("[data-arm]")) other.setAttribute("aria-pressed", String(other.dataset.arm === focused));
      for (const view of views.values()) if (view) focus(view);
    });
  }

  for (const choice of all("[data-switch]")) {
    const section = choice.closest("section");
    const show = (variant) => {
      for (const figure of all("[data-variant]", section)) figure.hidden = figure.dataset.variant !== variant;
    };
    choice.hidden = false;
    show(choice.dataset.switch);
    choice.addEventListener("change", (event) => { show(event.target.value); drawAll(); });
  }

  for (const form of all("[data-filters]")) {
    const section = form.closest("section");
    const output = form.querySelector("output");
    const filter = () => {
      // Not by FormData, which leaves out a select that is disabled.
      const [state, arm, test] = ["state", "arm", "test"].map((name) => form.elements[name]?.value ?? "");
      let shown = 0;
      for (const sample of all(".sample", section)) {
        const fits = (!test || sample.dataset.test === test)
          && (!state || sample.dataset[state].split(" ").includes(arm));
        sample.hidden = !fits;
        shown += fits;
      }
      form.elements.arm.disabled = !state;
      output.textContent = `${shown} of ${output.dataset.total} shown`;
    };
    form.hidden = false;
    form.addEventListener("change", filter);
    form.addEventListener("submit", (event) => event.preventDefault());
    filter();
  }

  // What a switch of the page's style sheet brings to light has charts of its own.
  for (const fold of all("#predict, .guess")) fold.addEventListener("change", drawAll);

  const said = document.getElementById("said");
  for (const button of all("[data-copy]")) {
    button.hidden = false;
    button.addEventListener("click", async () => {
      const source = document.getElementById(button.dataset.copy);
      try {
        await navigator.clipboard.writeText(source.textContent);
      } catch {
        // Pages opened as files may not reach the clipboard: select the text, so that one key copies it.
        getSelection().selectAllChildren(source);
        said.textContent = "Selected; press Ctrl-C to copy.";
        button.textContent = "Press Ctrl-C";
        return;
      }
      said.textContent = "Copied.";
      button.textContent = "Copied";
    });
  }

  drawAll();
})();
