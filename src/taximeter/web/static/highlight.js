// Files made readable. All of it is text: what looks like markup in a file stays what it is.
const JSON_TOKENS = /("(?:[^"\\]|\\.)*")(\s*:)?|(-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)|\b(true|false|null)\b/g;

function highlighted(text) {
  const made = el("pre"), add = (kind, part) => made.append(kind ? el("span", { class: kind, text: part }) : part);
  let at = 0;
  for (const match of text.matchAll(JSON_TOKENS)) {
    if (match.index > at) add(null, text.slice(at, match.index));
    const [, string, colon, number] = match;
    add(string ? (colon === undefined ? "str" : "key") : number ? "num-lit" : "lit", string || match[0]);
    if (colon !== undefined) add(null, colon);
    at = match.index + match[0].length;
  }
  add(null, text.slice(at));
  return made;
}

function pretty(text) {
  try { return JSON.stringify(JSON.parse(text), null, 2); } catch { return text; }
}

function drawJsonLines(text) {
  const rows = text.split("\n").filter((line) => line.trim());
  return rows.map((line) => {
    const made = el("details", { class: "line" }, el("summary", { text: visible(line.slice(0, 300)) }));
    made.addEventListener("toggle", () => { if (made.open && made.children.length === 1) made.append(highlighted(pretty(line))); });
    return made;
  });
}

function drawCsv(text, separator) {
  const [head = [], ...rows] = csvRows(text, separator), most = 60;
  const cell = (tag, value) => el(tag, { scope: tag === "th" ? "col" : null, text: brief(value, 300) });
  return el("table", {}, el("thead", {}, el("tr", {}, ...head.slice(0, most).map((name) => cell("th", name)))), el("tbody", {}, ...rows.map((row) => el("tr", {}, ...row.slice(0, most).map((value) => cell("td", value))))));
}

function csvRows(text, separator) {
  const rows = [[]];
  let cell = "", quoted = false;
  for (let i = 0; i < text.length; i += 1) {
    const char = text[i];
    if (quoted) { if (char !== '"') cell += char; else if (text[i + 1] === '"') { cell += '"'; i += 1; } else quoted = false; }
    else if (char === '"' && !cell) quoted = true;
    else if (char === separator || char === "\n") { rows.at(-1).push(cell); cell = ""; if (char === "\n") rows.push([]); }
    else if (char !== "\r") cell += char;
  }
  if (cell || rows.at(-1).length) rows.at(-1).push(cell); else rows.pop();
  return rows;
}

// Headings, lists, code, bold. An address is shown, and leads nowhere.
function drawMarkdown(text) {
  const made = el("div", { class: "prose" });
  let code = null, list = null, para = null;
  const end = () => { list = para = null; };
  for (const line of text.split("\n")) {
    const fence = /^\s*(```|~~~)/.test(line), heading = /^(#{1,6})\s+(.*)/.exec(line), item = /^\s*(?:[-*+]|\d+[.)])\s+(.*)/.exec(line);
    if (fence) { end(); code = code ? null : el("pre"); if (code) made.append(code); }
    else if (code) code.append(visible(line) + "\n");
    else if (heading) { end(); made.append(el("h3", {}, ...inline(heading[2]))); }
    else if (item) { if (!list) { end(); list = el("ul"); made.append(list); } list.append(el("li", {}, ...inline(item[1]))); }
    else if (!line.trim()) end();
    else { if (!para) { end(); para = el("p"); made.append(para); } else para.append(" "); para.append(...inline(line)); }
  }
  return made;
}

function inline(text) {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).filter(Boolean).map((part) => {
    if (part.length > 2 && part.startsWith("`") && part.endsWith("`")) return el("code", { text: visible(part.slice(1, -1)) });
    if (part.length > 4 && part.startsWith("**") && part.endsWith("**")) return el("strong", { text: visible(part.slice(2, -2)) });
    return visible(part);
  });
}
