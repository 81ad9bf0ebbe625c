// A text of pieces: the details of the piece under the pointer or with the focus, arrow keys, and numbers on demand.
// The offline page and the server's page use it; without it, the text and the tables say the same.
globalThis.seqloomSurprise = (() => {
  "use strict";
  let count = 0;

  const make = (tag, properties = {}, ...children) => {
    const element = Object.assign(document.createElement(tag), properties);
    element.append(...children);
    return element;
  };
  const number = (value, digits) => value.toFixed(digits).replace("-", "−");
  const percent = (value) =>
    value >= 0.0995 ? `${(100 * value).toFixed(0)}%` : value >= 1e-6 ? `${Number((100 * value).toPrecision(2))}%` : "below 0.0001%";
  // As `surprise_view.shown` of the reports.
  const shown = (text) => text.replaceAll("\n", "↵").replaceAll("\t", "⇥").replaceAll(" ", "␣");
  const named = (text) => (/^<.+>$/s.test(text) ? text : shown(text.replaceAll("▁", " ")) || "␣");

  function tokenDetails(token) {
    const rows = token.alternatives.map(({ token: other, log_prob: logProb }) => {
      const bar = make("td", { className: "bar", ariaHidden: "true" });
      bar.style.setProperty("--w", Math.exp(logProb));
      return make(
        "tr",
        { className: other.token_id === token.token.token_id ? "own" : "" },
        make("th", { scope: "row" }, make("bdi", {}, named(other.text))),
        bar,
        make("td", {}, percent(Math.exp(logProb))),
      );
    });
    const context = `${token.context} token${token.context === 1 ? "" : "s"} of context`;
    return [
      make("p", {}, make("b", {}, make("bdi", {}, shown(token.text) || token.token.text)), ` ${number(token.bits, 2)} bits`),
      make("p", {}, `probability ${percent(token.probability)}, rank ${token.rank.toLocaleString("en")}, ${context}`),
      make("table", {}, make("caption", {}, "Most probable here"), make("tbody", {}, ...rows)),
    ];
  }

  function partDetails(part, runs, other) {
    const rows = [0, other].map((run) =>
      make("tr", {}, make("th", { scope: "row" }, make("bdi", {}, runs[run])), make("td", {}, `${number(part.bits[run], 2)} bits`)),
    );
    const difference = part.bits[other] - part.bits[0];
    return [
      make("p", {}, make("b", {}, make("bdi", {}, shown(part.text))), ` ${difference < 0 ? "" : "+"}${number(difference, 2)} bits`),
      make("p", {}, `kind: ${part.group}`),
      make("table", {}, make("caption", {}, "Bits of each model"), make("tbody", {}, ...rows)),
    ];
  }

  // Makes the pieces of an element answer to the pointer and the keys; `details` makes the content for the piece of an index.
  function enliven(root, details) {
    const pieces = [...root.querySelectorAll(".piece")];
    if (!pieces.length) return;
    const tip = make("div", { className: "tip", id: `tip-${++count}`, hidden: true });
    tip.setAttribute("role", "tooltip");
    root.append(tip);
    let current = null;

    function hide() {
      current?.classList.remove("shown");
      current?.removeAttribute("aria-describedby");
      current = null;
      tip.hidden = true;
    }
    function show(piece) {
      if (piece === current) return;
      hide();
      current = piece;
      tip.replaceChildren(...details(Number(piece.dataset.index)));
      tip.hidden = false;
      piece.classList.add("shown");
      piece.setAttribute("aria-describedby", tip.id);
      const frame = root.getBoundingClientRect();
      // The last line of a piece that is broken over two lines.
      const box = [...piece.getClientRects()].at(-1) ?? piece.getBoundingClientRect();
      const left = Math.max(0, Math.min(box.left - frame.left, frame.width - tip.offsetWidth));
      const below = box.bottom - frame.top + 6;
      const above = box.top - frame.top - tip.offsetHeight - 6;
      const fits = box.bottom + 6 + tip.offsetHeight <= window.innerHeight || box.top - 6 < tip.offsetHeight;
      tip.style.setProperty("left", `${left}px`);
      tip.style.setProperty("top", `${fits ? below : above}px`);
    }
    function rest() {
      if (pieces.includes(document.activeElement)) show(document.activeElement);
      else hide();
    }
    function move(piece) {
      for (const other of pieces) if (other.tabIndex === 0) other.tabIndex = -1;
      piece.tabIndex = 0;
      piece.focus();
    }
    // The nearest piece of the line above or below.
    function inLine(piece, direction) {
      const from = piece.getBoundingClientRect();
      const beyond = pieces.filter((other) => {
        const box = other.getBoundingClientRect();
        return direction < 0 ? box.bottom <= from.top + from.height / 2 : box.top >= from.bottom - from.height / 2;
      });
      const edges = beyond.map((other) => other.getBoundingClientRect().top);
      const line = direction < 0 ? Math.max(...edges) : Math.min(...edges);
      const near = beyond.filter((_, index) => Math.abs(edges[index] - line) < from.height / 2);
      const distance = (other) => Math.abs(other.getBoundingClientRect().left - from.left);
      return near.sort((a, b) => distance(a) - distance(b))[0];
    }
    root.addEventListener("pointerover", (event) => {
      const piece = event.target.closest(".piece");
      if (piece) show(piece);
      else if (!tip.contains(event.target)) rest();
    });
    root.addEventListener("pointerleave", rest);
    root.addEventListener("focusin", (event) => {
      if (event.target.matches(".piece")) show(event.target);
    });
    root.addEventListener("focusout", (event) => {
      if (!root.contains(event.relatedTarget)) hide();
    });
    root.addEventListener("click", (event) => {
      const piece = event.target.closest(".piece");
      if (piece) move(piece);
    });
    root.addEventListener("keydown", (event) => {
      const at = pieces.indexOf(event.target);
      if (at < 0 || event.ctrlKey || event.altKey || event.metaKey) return;
      const [first, last] = [pieces[0], pieces.at(-1)];
      const next = {
        ArrowLeft: () => pieces[at - 1],
        ArrowRight: () => pieces[at + 1],
        ArrowUp: () => inLine(event.target, -1),
        ArrowDown: () => inLine(event.target, 1),
        Home: () => first,
        End: () => last,
        Enter: () => event.target,
        " ": () => event.target,
      }[event.key];
      if (event.key === "Escape") hide();
      if (!next) return;
      event.preventDefault();
      event.stopPropagation();
      const piece = next();
      if (piece === event.target) show(piece);
      else if (piece) move(piece);
    });
  }

  return { enliven, tokenDetails, partDetails, shown, named, percent };
})();
