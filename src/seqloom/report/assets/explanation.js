// Switches between methods, moves the slider of training. Without it everything is shown.
(() => {
  "use strict";
  const all = (selector, root = document) => [...root.querySelectorAll(selector)];

  for (const choice of all("[data-methods]")) {
    // A run that lacks the method shows the first one it has.
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

  const slider = document.getElementById("moment");
  if (slider) {
    const output = document.getElementById("moment-said");
    const show = () => {
      const place = Number(slider.value);
      for (const run of all("[data-moments]")) {
        const moments = all("[data-moment]", run);
        // Runs may have kept differently many weights; the slider goes from the first to the last of each.
        const shown = Math.round(place / Number(slider.max || 1) * (moments.length - 1));
        moments.forEach((moment, number) => { moment.hidden = number !== shown; });
      }
      output.textContent = `${place + 1} of ${Number(slider.max) + 1}`;
    };
    document.getElementById("moment-form").hidden = false;
    slider.addEventListener("input", show);
    show();
  }
})();
