// Elements are made here and nowhere else. Foreign text only ever becomes a text node.
function el(tag, fields, ...children) {
  const { text, on, style, data, ...attributes } = fields || {};
  const made = document.createElement(tag);
  if (text !== undefined) made.textContent = text;
  fill(made, attributes, children);
  if (style) for (const [name, value] of Object.entries(style)) made.style.setProperty(name, value);
  if (data) Object.assign(made.dataset, data);
  if (on) for (const [name, heard] of Object.entries(on)) made.addEventListener(name, heard);
  return made;
}

function svg(tag, attributes, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes || {}, children);
}

function fill(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) made.setAttribute(name, "");
    else if (value !== undefined && value !== null && value !== false) made.setAttribute(name, value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

const byId = (id) => document.getElementById(id);

function section(title, hint, ...content) {
  const head = el("div", { class: "bar-head" }, el("h2", { text: title }), hint ? el("span", { class: "hint", text: hint }) : null);
  return el("section", { "aria-label": title }, head, ...content);
}

// Lets these parts stand in a place. What stands there already is not touched: it keeps focus, scroll and pointer.
function redraw(place, parts) {
  const wanted = new Set(parts);
  for (const child of [...place.children]) if (!wanted.has(child)) child.remove();
  let at = place.firstChild;
  for (const part of parts) if (part === at) at = at.nextSibling; else place.insertBefore(part, at);
}
