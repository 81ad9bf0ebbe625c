// A heatmap of rows and columns: blue is positive, orange negative, outlines show the reference alignment; as in explanation_svg.py.

import { decimal, draw } from "./elements.js";

// The width of a letter in pixels: enough for most letters, also bold ones.
const CHARACTER = 8;
const width = (texts) => Math.round(CHARACTER * Math.max(1, ...texts.map((text) => text.length)));
const kind = (value) => (value >= 0 ? "for" : "against");

function text(content, x, y, more) {
  return draw("text", { x, y, ...more }, content);
}

export function svg(wide, high, label, className, ...children) {
  const size = {
    width: Math.round(wide),
    height: Math.round(high),
    viewBox: `0 0 ${Math.round(wide)} ${Math.round(high)}`,
  };
  return draw(
    "svg",
    {
      ...size,
      class: className,
      role: "img",
      "aria-label": label,
      style: { "--least": `${Math.round(0.78 * wide)}px` },
    },
    ...children,
  );
}

// All cells of a shade are one path, because a grid of heads has very many cells.
function shades(rows, side, largest) {
  const paths = new Map();
  rows.forEach((row, y) =>
    row.forEach((value, x) => {
      const opacity = (Math.abs(value) / largest).toFixed(2);
      if (opacity === "0.00") return;
      const key = `${kind(value)} ${opacity}`;
      paths.set(key, `${paths.get(key) ?? ""}M${1 + x * side} ${1 + y * side}h${side}v${side}h-${side}z`);
    }),
  );
  return [...paths].map(([key, d]) => draw("path", { class: key.split(" ")[0], "fill-opacity": key.split(" ")[1], d }));
}

export function heatmap(rows, columns, names, label, { truth = null, side = null, named = true, at = null } = {}) {
  const cell = side ?? (columns.length <= 14 ? 26 : columns.length <= 24 ? 20 : 16);
  const left = named ? width(names) + 12 : 1;
  const top = named ? width(columns) + 12 : 1;
  const largest = Math.max(...rows.flat().map(Math.abs), 0) || 1;
  const [wide, high] = [left + cell * columns.length + 1, top + cell * rows.length + 1];
  const parts = [];
  if (named) {
    columns.forEach((token, index) => {
      const x = left + cell * (index + 0.5) + 4;
      parts.push(text(token, x, top - 6, { transform: `rotate(-90 ${x} ${top - 6})` }));
    });
    rows.forEach((row, number) => {
      const y = top + cell * number;
      const cells = row.map((value, index) =>
        draw(
          "rect",
          {
            x: left + cell * index,
            y,
            width: cell,
            height: cell,
            class: kind(value),
            "fill-opacity": (Math.abs(value) / largest).toFixed(3),
          },
          draw("title", {}, `${names[number]} ← ${columns[index]}: ${decimal(value, 3)}`),
        ),
      );
      const token = text(names[number], left - 6, y + cell / 2 + 4, { "text-anchor": "end" });
      parts.push(draw("g", { class: number === at ? "row at" : "row" }, token, ...cells));
    });
  } else {
    parts.push(
      draw("rect", { x: 1, y: 1, width: wide - 2, height: high - 2, class: "frame" }),
      ...shades(rows, cell, largest),
    );
  }
  (truth ?? []).slice(0, rows.length).forEach((columnIndices, number) =>
    columnIndices.forEach((index) => {
      parts.push(
        draw("rect", {
          x: left + cell * index + 1,
          y: top + cell * number + 1,
          width: cell - 2,
          height: cell - 2,
          class: "true",
        }),
      );
    }),
  );
  if (at !== null && at < rows.length)
    parts.push(
      draw("rect", { x: left, y: top + cell * at, width: cell * columns.length, height: cell, class: "step" }),
    );
  return svg(wide, high, label, "heat", ...parts);
}
