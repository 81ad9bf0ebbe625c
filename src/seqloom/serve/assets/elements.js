// Makes elements. Text is set as text, never as markup, and styles are set by the object model, as the content security policy requires.

function fill(element, { data = {}, on = {}, style = {}, attributes = {} }, children) {
  Object.assign(element.dataset, data);
  for (const [name, listener] of Object.entries(on)) element.addEventListener(name, listener);
  for (const [name, value] of Object.entries(style)) element.style.setProperty(name, value);
  for (const [name, value] of Object.entries(attributes)) if (value !== null) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null));
  return element;
}

export function make(tag, properties = {}, ...children) {
  const { data, on, style, attributes, ...plain } = properties;
  return fill(Object.assign(document.createElement(tag), plain), { data, on, style, attributes }, children);
}

// Makes SVG elements, whose properties are all attributes.
export function draw(tag, properties = {}, ...children) {
  const { data, on, style, ...attributes } = properties;
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), { data, on, style, attributes }, children);
}

// A part that may be wider than the page: it scrolls, also by the keyboard.
export function scrolling(name, child, className = "scroll") {
  return make("div", { className, tabIndex: 0, role: "region", ariaLabel: name, data: { key: name } }, child);
}

export function table(heads, rows, { caption = null, className = "" } = {}) {
  const head = heads.map(([name, kind]) => make("th", { scope: "col", className: kind ?? "" }, name));
  return make(
    "table",
    { className },
    caption && make("caption", {}, caption),
    make("thead", {}, make("tr", {}, ...head)),
    make("tbody", {}, ...rows.map((cells) => make("tr", {}, ...cells))),
  );
}

export const cell = (text, className = "") => make("td", { className }, text);
export const heading = (text) => make("th", { scope: "row" }, make("bdi", {}, text));

// Draws the content of an element again, and restores focus, scroll positions and open details. If the element that had the focus
// no longer exists, `otherwise` gets the focus.
export function keeping(root, redraw, otherwise) {
  const inside = root.contains(document.activeElement);
  const focused = inside ? document.activeElement.dataset.key : undefined;
  const before = [...root.querySelectorAll("[data-key]")].map((item) => [item.dataset.key, item.scrollLeft, item.open]);
  redraw();
  const elementOf = (key) => root.querySelector(`[data-key="${CSS.escape(key)}"]`);
  for (const [key, left, open] of before) {
    if (left) elementOf(key)?.scrollTo({ left });
    if (open) elementOf(key)?.setAttribute("open", "");
  }
  if (focused !== undefined) elementOf(focused)?.focus({ preventScroll: true });
  if (inside && !root.contains(document.activeElement)) otherwise();
}

const share = new Intl.NumberFormat("en", { style: "percent", maximumSignificantDigits: 3 });
const whole = new Intl.NumberFormat("en", { style: "percent", maximumFractionDigits: 0 });

export const percent = (value) => share.format(value);
export const roundly = (value) => whole.format(value);
// A number with a real minus sign; a dash for a missing value.
export const decimal = (value, digits) => (value === null ? "–" : value.toFixed(digits).replace("-", "−"));
