// Steps through the decoding of all runs together: buttons, a slider, and the arrow keys.

import { make } from "./elements.js";

export function makeStepper(move) {
  const slider = make("input", { type: "range", id: "step", min: 1, max: 1, value: 1 });
  const back = make("button", { type: "button", className: "quiet", ariaLabel: "one step back" }, "◀");
  const on = make("button", { type: "button", className: "quiet", ariaLabel: "one step forward" }, "▶");
  const said = make("output", { htmlFor: "step" });
  let [step, count] = [0, 1];
  const go = (index) => {
    const next = Math.min(Math.max(index, 0), count - 1);
    if (next !== step) move(next);
  };
  slider.addEventListener("input", () => go(slider.valueAsNumber - 1));
  back.addEventListener("click", () => go(step - 1));
  on.addEventListener("click", () => go(step + 1));
  return {
    element: make(
      "p",
      { className: "stepper" },
      make("label", { htmlFor: "step" }, "Step of all runs"),
      back,
      slider,
      on,
      said,
      make("span", { className: "aside" }, "or the keys ", make("kbd", {}, "←"), " ", make("kbd", {}, "→")),
    ),
    by: (change) => go(step + change),
    show(index, most) {
      count = Math.max(1, most);
      step = Math.min(index, count - 1);
      slider.max = count;
      slider.value = step + 1;
      said.textContent = `${step + 1} of ${count}`;
      slider.setAttribute("aria-valuetext", said.textContent);
      // The buttons are not disabled at the ends, because a disabled button loses the focus.
      back.setAttribute("aria-disabled", String(step === 0));
      on.setAttribute("aria-disabled", String(step === count - 1));
    },
  };
}

// Whether the element that received an arrow key uses it itself.
export function ownsArrows(target) {
  if (target.closest("input, textarea, select, [role=tab], [contenteditable]")) return true;
  const region = target.closest(".scroll, .drawing");
  return region === target && region.scrollWidth > region.clientWidth;
}
