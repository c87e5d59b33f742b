// Figures and foreign text in words: the same forms as in Markdown and in the terminal.
const UNKNOWN = "-";
const SIGNS = { USD: "$", EUR: "€", GBP: "£" };
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Cn}\p{Zl}\p{Zp}]/gu;

function visible(text) {
  return String(text).replace(UNSEEN, (char) => {
    const code = char.codePointAt(0);
    return code < 0x100 ? "\\x" + code.toString(16).padStart(2, "0") : "\\u" + code.toString(16).padStart(4, "0");
  });
}

function brief(text, most = 80) {
  const letters = String(text);
  return visible(letters.length <= most ? letters : letters.slice(0, most) + "…");
}

// What foreign text names in a table; never what every object has.
const own = (table, name) => (table && Object.hasOwn(table, name) ? table[name] : undefined);

const stageName = (id) => (id === null || id === undefined ? "(outside stages)" : brief(id));

function scaled(number, units, gap) {
  let index = 0;
  while (Math.abs(number) >= 999.5 && index < units.length - 1) { number /= 1000; index += 1; }
  const digits = index === 0 || Math.abs(number) >= 99.95 ? 0 : Math.abs(number) >= 9.995 ? 1 : 2;
  return number.toFixed(digits) + gap + units[index];
}

const known = (value) => value !== null && value !== undefined;
const grouped = (number) => number.toLocaleString("en-US");
const count = (n) => (!known(n) ? UNKNOWN : Math.abs(n) < 100000 ? grouped(n) : scaled(n, ["", "k", "M", "G", "T"], ""));
const size = (n) => (!known(n) ? UNKNOWN : scaled(n, ["B", "kB", "MB", "GB", "TB", "PB"], " "));
const percent = (part, whole) => (whole && known(part) ? Math.round((100 * part) / whole) + " %" : UNKNOWN);
const plural = (n, noun) => `${count(n)} ${noun}${n === 1 ? "" : "s"}`;

function seconds(value) {
  if (!known(value)) return UNKNOWN;
  if (value < 59.95) return value.toFixed(value < 0.1 ? 3 : value < 10 ? 2 : 1) + " s";
  const whole = Math.round(value);
  for (const [unit, name, below, lower] of [[86400, "d", 3600, "h"], [3600, "h", 60, "m"], [60, "m", 1, "s"]])
    if (whole >= unit) return `${Math.floor(whole / unit)}${name} ${String(Math.floor((whole % unit) / below)).padStart(2, "0")}${lower}`;
  return whole + " s";
}

const millis = (ms) => (known(ms) ? (ms < 1000 ? Math.round(ms) + " ms" : seconds(ms / 1000)) : UNKNOWN);

function money(amount, currency) {
  if (!known(amount)) return UNKNOWN;
  const sign = own(SIGNS, currency) || brief(currency, 12) + " ";
  const digits = Math.abs(amount);
  const minus = amount < 0 ? "-" : "";
  if (digits === 0 || digits >= 1)
    return minus + sign + digits.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 });
  const places = Math.min(20, 3 - Math.floor(Math.log10(digits)) - 1);
  const [whole, fraction] = digits.toFixed(places).replace(/0+$/, "").split(".");
  return `${minus}${sign}${whole}.${(fraction || "").padEnd(2, "0")}`;
}

function costText(totals, currency) {
  const forms = { priced: "", estimated: "~", partial: "≥" };
  if (!totals || !known(totals.cost_status)) return UNKNOWN;
  return totals.cost_status === "unpriced" ? "unpriced" : forms[totals.cost_status] + money(totals.cost, currency);
}

// As they stand in one figure where they are not told apart.
const cpu = (figures) => (known(figures.cpu_user_seconds) ? figures.cpu_user_seconds + (figures.cpu_system_seconds || 0) : null);
