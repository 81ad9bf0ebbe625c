// The results: a view with a column for each run. Answers that are in the cache are not requested again for a new state.

import * as answers from "./answers.js";
import { beamView } from "./beam.js";
import { changeEditor } from "./change.js";
import { keeping, make } from "./elements.js";
import { headsView } from "./heads.js";
import { outputsView } from "./outputs.js";
import { pictureView } from "./picture.js";
import { makeStepper, ownsArrows } from "./stepper.js";
import { stepsView } from "./steps.js";
import { lossesView, surpriseView } from "./surprise_view.js";
import { makeTabs } from "./tabs.js";
import { whatIfView } from "./whatif.js";
import { aboutRun, METHODS } from "./wording.js";

// `load` returns the data of a run, `draw` makes an element of them. `steps` and `looks`: whether a step and a method can be chosen.
const VIEWS = [
  {
    id: "outputs",
    title: "Outputs",
    load: answers.generation,
    draw: outputsView,
    help: "What each run writes, the best output first.",
  },
  {
    id: "steps",
    title: "Step by step",
    load: answers.explanation,
    draw: stepsView,
    steps: true,
    looks: true,
    help:
      "At each step a run gives every token a probability; one is chosen, fed back in, and the next step " +
      "begins, until </s> ends the text. Point at a token of the output to see which tokens of the source it comes from.",
  },
  {
    id: "picture",
    title: "Where words come from",
    load: answers.explanation,
    draw: pictureView,
    steps: true,
    looks: true,
    help:
      "Rows are tokens of the output, columns are tokens of the source. Attention: the weight of the source token. " +
      "Occlusion: how much the log-probability of the output token falls if the embedding of the source token is set " +
      "to zero. Gradient: how much a small change of that embedding changes the log-probability. The methods often " +
      "disagree, so each picture states how far it agrees with the others.",
  },
  {
    id: "heads",
    title: "Heads",
    load: answers.explanation,
    draw: headsView,
    help:
      "All heads of all layers. The percentages say how often a head has its maximum at the same token as the reference " +
      "alignment, occlusion and the gradient. Press a head to enlarge it.",
  },
  {
    id: "beam",
    title: "Beam",
    load: answers.explanation,
    draw: beamView,
    help:
      "All prefixes that the search considered, with their log-probabilities; the most likely prefix is on top. Dotted " +
      "lines lead to prefixes that were not kept, ■ marks the end of an output, blue is the output. Press a prefix to " +
      "trace it back.",
  },
  {
    id: "whatif",
    title: "What if",
    load: answers.changed,
    draw: whatIfView,
    edits: true,
    help:
      "Change something and see the new output of each run. The weights stay the same; nothing is trained again.",
  },
  {
    id: "surprise",
    title: "Surprise",
    load: answers.surprise,
    draw: surpriseView,
    across: lossesView,
    help:
      "The text, coloured by the surprise of each language model: −log2 of the probability of each token, in bits. A stronger " +
      "shade and a higher bar are more bits. Point at a token, or move through the text with the arrow keys, to see its " +
      "probability, its rank and the most probable tokens in its place.",
  },
];

const WAITING = { outputs: "Generating …", surprise: "Reading the text …" };

export function makeResults(root, { go, say }) {
  let state,
    view,
    runs = [],
    controller = new AbortController(),
    requested = "",
    announcedKey = "",
    edited = "";
  const awaited = new WeakSet();
  const panel = make("div", { id: "panel", role: "tabpanel" });
  const tabs = makeTabs(VIEWS, panel, (id) => go({ view: id }));
  const stepper = makeStepper((step) => go({ step }, { replace: true }));
  const help = make("p", { className: "help" });
  const looks = make(
    "fieldset",
    { className: "looks" },
    make("legend", {}, "Where words come from, by"),
    ...METHODS.map((name) =>
      make(
        "label",
        {},
        make("input", { type: "radio", name: "look", value: name, on: { change: () => go({ look: name }) } }),
        " ",
        name,
      ),
    ),
  );
  const editor = make("div", {});
  const announced = make("p", { className: "hidden", role: "status" });
  const columns = make("div", { className: "columns" });
  // What is shown of all runs together.
  const below = make("div", {});
  panel.append(help, make("div", { className: "controls" }, stepper.element, looks), announced, editor, columns, below);
  root.append(tabs.element, panel);
  root.hidden = true;

  document.addEventListener("keydown", (event) => {
    const change = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (
      !change ||
      !view?.steps ||
      root.hidden ||
      event.ctrlKey ||
      event.altKey ||
      event.metaKey ||
      event.shiftKey ||
      ownsArrows(event.target)
    )
      return;
    event.preventDefault();
    stepper.by(change);
    // For screen readers only: the slider shows the step.
    announced.textContent = `Step ${state.step + 1}`;
  });

  // The answers for the shown runs, as the view's `load` returns them; undefined for a run without an answer.
  function answered(load) {
    return runs.map((run) => {
      const answer = load(state, run, controller.signal, runs);
      if (!(answer instanceof Promise)) return answer;
      if (!awaited.has(answer)) {
        awaited.add(answer);
        const { signal } = controller;
        const again = () => signal.aborted || draw();
        answer.then(again, again);
      }
      return undefined;
    });
  }

  function column(run, index, answer) {
    const content =
      answer === undefined
        ? make("p", { className: "aside" }, WAITING[view.id] ?? "Computing the explanation …")
        : answer.error
          ? make("p", { className: "refused", role: "alert" }, answer.error.message)
          : view.draw(answer, { run, state, go });
    const head = make("h2", { className: "run-name", style: { "--colour": `var(--arm-${index % 6})` } }, run.name);
    return make("article", { className: "column" }, head, make("p", { className: "aside" }, aboutRun(run)), content);
  }

  // The editor is drawn again only if its content has changed, so that typed text is not lost.
  function edit(received, explained) {
    const forced = received.find((item, index) => item?.whatIf && runs[index].name === state.force?.run);
    const text = forced && beginningOf(forced, state.force.ids);
    const heads = explained.map(({ attention }) => attention.map((item) => [item.name, item.heads.length]));
    const now = view.edits
      ? JSON.stringify([state.text, state.words, state.silence, state.begin, state.force, text, heads])
      : "";
    if (now === edited || (view.edits && editor.querySelector("input.word"))) return;
    edited = now;
    editor.replaceChildren(...(view.edits ? [changeEditor(state, explained, text, go)] : []));
  }

  function draw() {
    const received = answered(view.load);
    const explained = received.map((item) => item?.plain ?? item).filter((item) => item?.target);
    stepper.element.hidden = !view.steps;
    looks.hidden = !view.looks;
    stepper.show(state.step, Math.max(0, ...explained.map((item) => item.target.length)) || state.step + 1);
    for (const radio of looks.querySelectorAll("input")) radio.checked = radio.value === state.look;
    keeping(
      root,
      () => {
        edit(received, explained);
        columns.replaceChildren(...runs.map((run, index) => column(run, index, received[index])));
        below.replaceChildren(...(view.across?.(received) ?? []));
      },
      tabs.focus,
    );
    const done = received.filter((item) => item && !item.error).length;
    const pending = received.filter((item) => item === undefined).length;
    panel.setAttribute("aria-busy", String(pending > 0));
    const now = pending ? "Working …" : `${done} of ${runs.length} runs have answered.`;
    const key = `${requested} ${view.id} ${now}`;
    if (key !== announcedKey) say(now);
    announcedKey = key;
  }

  return {
    hide() {
      root.hidden = true;
    },
    show(next, known) {
      state = next;
      view = VIEWS.find((item) => item.id === state.view);
      runs = known.filter((run) => state.runs.includes(run.name));
      const question = JSON.stringify([
        state.text,
        state.runs,
        state.method,
        state.beam,
        state.nbest,
        state.temperature,
        state.top_p,
        state.seed,
        state.max_tokens,
      ]);
      if (question !== requested) {
        controller.abort();
        controller = new AbortController();
        requested = question;
      }
      root.hidden = !runs.length;
      if (!runs.length) {
        say("Choose at least one run.");
        return;
      }
      tabs.show(view.id);
      help.textContent = view.help;
      draw();
    },
  };
}

// The text of the forced ids in the output that begins with them.
function beginningOf({ whatIf }, ids) {
  const tokens = whatIf.output_tokens.slice(0, ids.length).map(({ text }) => text);
  return tokens.join("").replaceAll("▁", " ").trim();
}
