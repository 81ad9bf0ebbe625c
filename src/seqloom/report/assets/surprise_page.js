// Connects the texts of the offline page with the data that it carries.
(() => {
  "use strict";
  const { surprises, surprise_comparison: comparison } = JSON.parse(document.getElementById("machine").textContent);
  const { enliven, tokenDetails, partDetails } = globalThis.seqloomSurprise;
  for (const root of document.querySelectorAll("[data-surprise]")) {
    const { tokens } = surprises[Number(root.dataset.surprise)];
    enliven(root, (index) => tokenDetails(tokens[index]));
  }
  for (const root of document.querySelectorAll("[data-difference]")) {
    const other = Number(root.dataset.difference);
    enliven(root, (index) => partDetails(comparison.parts[index], comparison.runs, other));
  }
  for (const choice of document.querySelectorAll("[data-numbers]")) {
    choice.hidden = false;
    choice.addEventListener("change", (event) => {
      for (const pieces of document.querySelectorAll(".pieces")) pieces.classList.toggle("numbered", event.target.checked);
    });
  }
})();
