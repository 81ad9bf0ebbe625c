// A view of one step of decoding: the chosen token, the other candidates, and the source tokens it comes from.

import { cell, decimal, heading, make, percent, scrolling, table } from "./elements.js";
import { agreementsSentence, instead, peak, pictureOf, tokenText, tokenTexts } from "./wording.js";

// A token with a bar and a number below it.
function chip(text, share, value, { className = "", ...more } = {}, tag = "span") {
  const bar = make("i", {
    className: value < 0 ? "bar against" : "bar",
    style: { "--w": Math.min(1, Math.abs(share)) },
    ariaHidden: "true",
  });
  return make(
    tag,
    { className: `chip ${className}`, dir: "auto", ...more },
    make("span", {}, text),
    bar,
    make("small", {}, decimal(value, 2)),
  );
}

function sources(explanation, picture, step) {
  const row = picture.rows[step];
  const largest = Math.max(...row.map(Math.abs)) || 1;
  const truth = new Set(explanation.truth?.sources[step] ?? []);
  return tokenTexts(explanation.source).map((text, index) => {
    const share = row[index] / largest;
    return chip(text, share, row[index], {
      className: truth.has(index) ? "true" : "",
      style: { "--w": Math.max(0, share) },
    });
  });
}

// The source, shaded by the attribution of a target token; `show` changes to another token without drawing the rest again.
function sourceLine(explanation, picture) {
  const line = make("p", { className: "chips" });
  const said = make("p", { className: "aside" });
  const names = tokenTexts(explanation.source);
  const verb = picture.method === "attention" ? "looks most at" : "depends most on";
  const show = (step) => {
    line.replaceChildren(...sources(explanation, picture, step));
    said.textContent = `“${tokenText(explanation.target[step])}” ${verb} “${names[peak(picture.rows[step])]}”.`;
  };
  return { elements: [line, said], show };
}

function targetLine(explanation, run, step, show, go) {
  // Without a token under the pointer, the token with the focus is shown; without a focus, the token of the step.
  const rest = () => {
    const at = buttons.indexOf(document.activeElement);
    show(at < 0 ? step : at);
  };
  const buttons = tokenTexts(explanation.target).map((text, index) =>
    chip(
      text,
      explanation.steps[index].probability,
      explanation.steps[index].probability,
      {
        type: "button",
        className: index === step ? "chosen" : "",
        // The tab key reaches only the chosen token of the line; arrow keys move to the others.
        tabIndex: index === step ? 0 : -1,
        data: { key: index === step ? `step of ${run.name}` : `${index} of ${run.name}` },
        attributes: {
          "aria-current": index === step ? "step" : null,
          "aria-label": `step ${index + 1}: ${text}, probability ${decimal(explanation.steps[index].probability, 2)}`,
        },
        on: {
          click: () => go({ step: index }, { replace: true }),
          pointerenter: () => show(index),
          pointerleave: rest,
          focus: () => show(index),
          blur: rest,
        },
      },
      "button",
    ),
  );
  return make("p", { className: "chips", role: "group", ariaLabel: `output tokens of ${run.name}` }, ...buttons);
}

function candidates(explanation, run, step, go) {
  const { token, candidates: choices } = explanation.steps[step];
  const before = explanation.target.slice(0, step).map((item) => item.token_id);
  const force = (item) =>
    go({ view: "whatif", begin: "", force: { run: run.name, ids: [...before, item.token.token_id] } });
  const rows = choices.map((item, index) => {
    const name = tokenText(item.token);
    const probability = Math.exp(item.log_prob);
    const chosen = item.token.token_id === token.token_id;
    const special = /^<.+>$/s.test(item.token.text);
    return [
      heading(name),
      make("td", { className: "share", style: { "--w": probability } }, percent(probability)),
      chosen
        ? make("td", {}, make("span", { className: "tag" }, "chosen"))
        : make(
            "td",
            {},
            special
              ? ""
              : make(
                  "button",
                  {
                    type: "button",
                    className: "quiet",
                    ariaLabel: `What if ${run.name} said ${name} here?`,
                    data: { key: `force ${index} of ${run.name}` },
                    on: { click: () => force(item) },
                  },
                  "what if?",
                ),
          ),
    ];
  });
  return table([["token"], ["probability"], [make("span", { className: "hidden" }, "choice")]], rows, {
    className: "candidates",
  });
}

export function stepsView(explanation, { run, state, go }) {
  const picture = pictureOf(explanation, state.look);
  const step = Math.min(state.step, explanation.target.length - 1);
  const { token, probability, rank, entropy } = explanation.steps[step];
  const line = picture && sourceLine(explanation, picture);
  line?.show(step);
  const ended = state.step >= explanation.target.length;
  return make(
    "div",
    {},
    make("p", { className: "best", dir: "auto" }, explanation.output || "(nothing)"),
    make("h3", {}, "Output, token by token"),
    targetLine(explanation, run, step, line ? line.show : () => {}, go),
    make(
      "p",
      { className: "fact" },
      ended
        ? `It ended after ${explanation.target.length} steps; the last was `
        : `Step ${step + 1} of ${explanation.target.length}: `,
      make("b", { dir: "auto" }, `“${tokenText(token)}”`),
      `, probability ${percent(probability)}, rank ${rank}, entropy ${decimal(entropy, 2)} nats`,
    ),
    make("h3", {}, `Where it comes from${picture ? `: ${picture.method}` : ""}`),
    ...(line ? line.elements : [make("p", { className: "aside" }, "This run has no source, so there is no picture.")]),
    picture &&
      make(
        "p",
        { className: "aside agreements" },
        `${instead(picture, state.look)}Agreement over all steps: ${agreementsSentence(picture.agreements)}`,
      ),
    make("h3", {}, "Candidates at this step"),
    scrolling(`candidates of ${run.name}`, candidates(explanation, run, step, go)),
    ...explanation.notes.map((note) => make("p", { className: "aside" }, `Note: ${note}.`)),
  );
}
