// A page with a table: node page.js --title TITLE < SUMMARY > PAGE
const rows = require("fs").readFileSync(0, "utf8").trim().split("\n").map((line) => JSON.parse(line));
const title = process.argv[process.argv.indexOf("--title") + 1];
const cell = (value) => `<td>${value}</td>`;
const body = rows.map((row) => `<tr>${[row.path, row.requests, row.errors, row.median_ms].map(cell).join("")}</tr>`);
console.log(`<!doctype html><title>${title}</title><h1>${title}</h1><table>\n${body.join("\n")}\n</table>`);
