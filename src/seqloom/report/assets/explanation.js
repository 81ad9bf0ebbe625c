// Switches between methods and moves the slider of checkpoints. Without this script everything is shown.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  for (const choice of all("[data-methods]")) {
    // A run without the method shows its first one.
    const show = (method) => {
      for (const run of all("[data-has]")) {
        const shown = run.dataset.has.split(" ").includes(method) ? method : run.dataset.has.split(" ")[0];
        for (const figure of all("[data-method]", run)) figure.hidden = figure.dataset.method !== shown;
      }
    };
    choice.hidden = false;
    show(choice.dataset.methods);
    choice.addEventListener("change", (event) => show(event.target.value));
  }

  const slider = document.getElementById("checkpoint");
  if (slider) {
    const output = document.getElementById("checkpoint-shown");
    const show = () => {
      const position = Number(slider.value);
      for (const run of all("[data-checkpoints]")) {
        const checkpoints = all("[data-checkpoint]", run);
        // Runs can have different numbers of checkpoints; the slider goes from the first to the last one of each run.
        const shown = Math.round(position / Number(slider.max || 1) * (checkpoints.length - 1));
        checkpoints.forEach((checkpoint, number) => { checkpoint.hidden = number !== shown; });
      }
      output.textContent = `${position + 1} of ${Number(slider.max) + 1}`;
    };
    document.getElementById("checkpoint-form").hidden = false;
    slider.addEventListener("input", show);
    show();
  }
})();
