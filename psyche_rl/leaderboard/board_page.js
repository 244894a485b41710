"use strict";
// Sorting, and the items behind a figure. Whatever a model wrote is shown by textContent alone.
const PAGE = 20;
const unpacked = new Map();
let shown = null;

function sort(table, column, ascending) {
  const heads = [...table.tHead.rows[0].cells];
  heads.forEach((head, at) => head.setAttribute("aria-sort", at !== column ? "none" : ascending ? "ascending" : "descending"));
  const key = (row) => row.cells[column].dataset.value;
  const rows = [...table.tBodies[0].rows].sort((a, b) => {
    const [x, y] = [key(a), key(b)];
    if (x === "" || y === "") return (x === "") - (y === ""); // a row without the figure is last, both ways
    const order = column === 0 ? x.localeCompare(y) : Number(x) - Number(y);
    return ascending ? order : -order;
  });
  table.tBodies[0].append(...rows);
}

for (const table of document.querySelectorAll("table")) {
  [...table.tHead.rows[0].cells].forEach((head, column) => head.querySelector("button").addEventListener("click", () =>
    sort(table, column, head.getAttribute("aria-sort") === "descending" || (column === 0 && head.getAttribute("aria-sort") === "none"))));
}
for (const select of document.querySelectorAll("select[data-table]")) {
  select.addEventListener("change", () => sort(document.getElementById(`board-${select.dataset.table}`), Number(select.value), select.value === "0"));
}

async function pack(place) {
  if (!unpacked.has(place)) {
    const bytes = Uint8Array.from(atob(document.getElementById(`pack-${place}`).textContent.trim()), (c) => c.charCodeAt(0));
    const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
    unpacked.set(place, await new Response(stream).json());
  }
  return unpacked.get(place);
}

function put(parent, tag, text, className) {
  const node = parent.appendChild(document.createElement(tag));
  node.textContent = text;
  if (className) node.className = className;
  return node;
}

function block(parent, title, text) {
  if (!text) return;
  put(parent, "h4", title);
  put(parent, "pre", text);
}

function article(item, metric) {
  const node = document.createElement("article");
  const score = item.scores[metric];
  const scored = Object.entries(item.scores).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
  const facts = [item.item, item.sample ? `sample ${item.sample + 1}` : "", item.group, item.subject, item.level].filter(Boolean);
  put(node, "h3", facts.join(" · "));
  const line = put(node, "div", "");
  put(line, "span", `answer ${item.answer ?? "none"}, gold ${item.gold}`, score === undefined ? "" : score >= 1 ? "right" : "wrong");
  put(line, "span", `; read by ${item.rule ?? "no rule"}; ${scored.join(", ") || "no score"}`);
  if (item.unscored.length) put(node, "div", `unscored: ${item.unscored.join(", ")}`, "wrong");
  if (item.error || item.ended !== "stop") put(node, "div", `ended: ${item.ended}${item.error ? `, ${item.error}` : ""}`);
  if (item.leaked) put(node, "div", "stands in the model's training records", "leak");
  for (const message of item.prompt) block(node, `prompt, ${message.role}`, message.content);
  block(node, "reasoning", item.reasoning);
  block(node, "reply", item.response || "(empty)");
  for (const [name, note] of Object.entries(item.notes)) block(node, `note of ${name}`, note);
  return node;
}

function more() {
  const list = document.getElementById("list");
  const next = shown.items.slice(list.children.length, list.children.length + PAGE);
  list.append(...next.map((item) => article(item, shown.metric)));
  document.getElementById("more").hidden = list.children.length >= shown.items.length;
}

async function open(link) {
  const { pack: place, group, metric, model, benchmark } = link.dataset;
  const { items, left_out: leftOut } = await pack(place);
  const section = document.getElementById("items");
  section.hidden = false;
  section.querySelector("h2").textContent = `${model} on ${benchmark}${group ? `, ${group}` : ""}: ${metric}`;
  const which = document.getElementById("which");
  const choose = () => {
    const wanted = { all: () => true, below: (i) => i.scores[metric] < 1, unscored: (i) => i.unscored.includes(metric), leaked: (i) => i.leaked };
    shown = { metric, items: items.filter((i) => (!group || i.group === group) && wanted[which.value](i)) };
    document.getElementById("count").textContent = `${shown.items.length.toLocaleString("en")} replies` + (leftOut ? `; ${leftOut.toLocaleString("en")} items of this model are not in the page, see its parquet files` : "");
    document.getElementById("list").replaceChildren();
    more();
  };
  which.onchange = choose;
  which.value = "all";
  choose();
  section.scrollIntoView();
  section.focus({ preventScroll: true });
}

document.getElementById("more").addEventListener("click", more);
function follow() { // a link to a figure's items can be kept and sent
  const link = [...document.querySelectorAll("a[data-pack]")].find((each) => each.hash === location.hash);
  if (location.hash && link) open(link);
}
for (const link of document.querySelectorAll("a[data-pack]")) {
  link.addEventListener("click", (event) => { event.preventDefault(); history.replaceState(null, "", link.hash); open(link); });
}
window.addEventListener("hashchange", follow);
follow();
document.body.dataset.ready = "yes";
