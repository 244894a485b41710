// The review page: one queue, one item at a time, one key per decision.
//
// Whatever is shown as decided is on the server's disk: the page moves on only after the reply. Keys are
// ignored while a request is under way, so that no decision falls on an item that was not seen.
import { decide, fetchItem, fetchQueue, newId, Refused, setToken } from "./api.js";
import { begin, editForm } from "./edit.js";
import { element, itemView, REASONS } from "./show.js";

const $ = (id) => document.getElementById(id);
const SAID = { accept: "accepted", edit: "edited", reject: "rejected" };
const MARK = { accept: "✓", edit: "✎", reject: "✕" };
const REFRESH_MS = 20_000;
const LISTED = 200; // entries of the list at once: a queue may hold thousands

const state = {
  items: [],
  current: null, // {item, decision}
  reason: null, // show only items queued for this
  onlyOpen: false,
  busy: false,
  editing: false,
  mine: [], // decisions of this page, newest last: what undo takes back
  since: [], // times of them, for the rate
  whys: new Set(),
};

// -- what is shown -------------------------------------------------------------------------------
const visible = () => state.items.filter((line) =>
  (!state.reason || line.reasons.includes(state.reason))
  && (!state.onlyOpen || line.open || line.id === state.current?.item.id));

function drawFilters() {
  const counts = {};
  for (const line of state.items) for (const reason of line.reasons) counts[reason] = (counts[reason] ?? 0) + 1;
  const button = (reason, text, count) => {
    const node = element("button",
      { type: "button", class: `filter ${reason ?? "all"}`, "aria-pressed": String(state.reason === reason), "data-reason": reason ?? "" },
      text, element("b", {}, ` ${count}`));
    node.addEventListener("click", () => filterBy(reason));
    return node;
  };
  const present = Object.keys(REASONS).filter((reason) => counts[reason]);
  const focused = document.activeElement?.dataset?.reason;
  $("filters").replaceChildren(button(null, "all", state.items.length),
    ...present.map((reason) => button(reason, REASONS[reason], counts[reason])));
  if (focused !== undefined) $("filters").querySelector(`[data-reason="${focused}"]`)?.focus();
}

function drawList() {
  const lines = visible();
  const at = Math.max(0, lines.findIndex((line) => line.id === state.current?.item.id));
  const first = Math.max(0, at - LISTED / 2);
  const rows = lines.slice(first, first + LISTED).map((line) => {
    const here = line.id === state.current?.item.id;
    const mark = element("span", { class: `mark ${line.decision ?? ""}`, "aria-hidden": "true" }, MARK[line.decision] ?? "");
    const status = line.open ? "open" : SAID[line.decision];
    const node = element("button",
      { type: "button", "aria-current": here ? "true" : null, "aria-label": `${line.title}, ${status}`, class: line.open ? null : "decided", "data-id": line.id },
      mark, element("span", { class: "title", lang: "zh-Hans" }, line.title), element("i", { class: `dot ${line.reasons[0]}` }));
    node.addEventListener("click", () => leaveTo(() => show(line.id)));
    return element("li", {}, node);
  });
  const held = $("list").contains(document.activeElement);
  const more = (count, where) => count > 0 && element("li", { class: "more" }, `${count} more ${where}`);
  const around = [more(first, "above"), ...rows, more(lines.length - first - LISTED, "below")];
  $("list").replaceChildren(...around.filter(Boolean));
  const current = $("list").querySelector("[aria-current]");
  current?.scrollIntoView({ block: "nearest" });
  if (held) current?.focus();
}

function drawProgress() {
  const total = state.items.length;
  const done = state.items.filter((line) => !line.open).length;
  $("bar").setAttribute("aria-valuemax", total);
  $("bar").setAttribute("aria-valuenow", done);
  $("fill").style.width = `${total ? (100 * done) / total : 0}%`;
  const parts = [`${done} of ${total} decided`];
  const recent = state.since.filter((time) => performance.now() - time < 10 * 60_000);
  if (recent.length > 1) {
    const minutes = (performance.now() - recent[0]) / 60_000;
    const rate = (recent.length - 1) / Math.max(minutes, 1 / 60);
    parts.push(`${rate.toFixed(1)}/min`);
    if (total > done) parts.push(`about ${Math.max(1, Math.round((total - done) / rate))} min left`);
  }
  $("figures").textContent = parts.join(" · ");
  document.title = `${done}/${total} · review`;
}

function drawCard() {
  const lines = visible();
  if (!state.current) {
    const text = state.items.length ? "Nothing here is left to decide." : "The queue is empty.";
    $("card").replaceChildren(element("p", { class: "empty" }, text));
    return;
  }
  const { item, decision } = state.current;
  const at = lines.findIndex((line) => line.id === item.id) + 1;
  $("card").replaceChildren(itemView(item, decision, at ? `${at} of ${lines.length}` : ""));
  $("card").dataset.item = item.id;
}

function draw() {
  drawFilters();
  drawList();
  drawProgress();
  if (!state.editing) drawCard();
}

function say(text) {
  $("said").textContent = text;
  $("alert").hidden = true;
}

function warn(text) {
  $("alert").textContent = text;
  $("alert").hidden = false;
}

// -- what is done --------------------------------------------------------------------------------
async function act(work) {
  if (state.busy) return;
  state.busy = true;
  document.body.classList.add("busy");
  try {
    await work();
  } catch (error) {
    if (error instanceof Refused && error.status === 401) askForToken();
    else warn(error.message);
  } finally {
    state.busy = false;
    document.body.classList.remove("busy");
    document.body.dataset.ready = "true";
  }
}

async function refresh() {
  const queue = await fetchQueue();
  state.items = queue.items;
  $("run").textContent = queue.run;
  $("who").textContent = queue.reviewer;
}

async function show(id) {
  state.editing = false;
  state.current = id ? await fetchItem(id) : null;
  draw();
  window.scrollTo(0, 0);
}

/** Go elsewhere, unless that would drop an edit. */
function leaveTo(work) {
  if (state.editing) warn("Save the edit or leave it with Esc first.");
  else act(work);
}

function neighbour(step) {
  const lines = visible();
  const at = lines.findIndex((line) => line.id === state.current?.item.id);
  return lines[Math.min(lines.length - 1, Math.max(0, at + step))]?.id;
}

function nextOpen() {
  const lines = visible();
  const at = lines.findIndex((line) => line.id === state.current?.item.id);
  return [...lines.slice(at + 1), ...lines.slice(0, Math.max(at, 0))].find((line) => line.open)?.id;
}

/** A ruling written down by the server, and its item's entry as it is now. */
async function sent(id, ruling) {
  const { decision, line } = await decide({ id: newId(), item_id: id, ...ruling });
  state.items = state.items.map((known) => (known.id === id ? line : known));
  return decision;
}

async function rule(ruling) {
  const id = state.current.item.id;
  const decision = await sent(id, ruling);
  state.mine.push({ id: decision.id, item: id });
  state.since.push(performance.now());
  const next = nextOpen();
  await show(next ?? id);
  say(`${SAID[ruling.action]}${next ? `; ${state.items.filter((line) => line.open).length} open` : "; none open here"}`);
}

async function undo() {
  const last = state.mine.at(-1)
    ?? (state.current?.decision && { id: state.current.decision.id, item: state.current.item.id });
  if (!last) return say("nothing to undo");
  await sent(last.item, { action: "undo", undoes: last.id });
  state.mine.pop();
  state.since.pop();
  await show(last.item);
  say("undone");
}

function edit() {
  const { item, decision } = state.current;
  const save = (changed, tell) => act(async () => {
    try {
      await rule({ action: "edit", ...changed });
    } catch (error) {
      if (!(error instanceof Refused) || error.status !== 422) throw error;
      tell(error.message);
      return;
    }
    $("card").focus();
  });
  const leave = () => { state.editing = false; drawCard(); $("card").focus(); };
  const form = editForm(item, decision, save, leave);
  state.editing = true;
  $("card").replaceChildren(form);
  begin(form);
}

function askReject() {
  $("reasons-known").replaceChildren(...[...state.whys].map((why) => element("option", { value: why })));
  $("reject-reason").value = "";
  $("reject-dialog").showModal();
  $("reject-reason").focus();
}

function filterBy(reason) {
  leaveTo(async () => {
    state.reason = reason;
    const lines = visible();
    if (lines.some((line) => line.id === state.current?.item.id)) draw();
    else await show((lines.find((line) => line.open) ?? lines[0])?.id);
  });
}

function askForToken() {
  if (!$("token-dialog").open) $("token-dialog").showModal();
  $("token-input").focus();
}

const KEYS = {
  a: () => rule({ action: "accept" }),
  r: askReject,
  e: edit,
  u: undo,
  j: () => show(neighbour(1)),
  k: () => show(neighbour(-1)),
};

function press(key) {
  if (!KEYS[key] || state.editing || document.querySelector("dialog[open]")) return;
  if (state.current || key === "u") act(async () => KEYS[key]());
}

// -- wiring --------------------------------------------------------------------------------------
document.addEventListener("keydown", (event) => {
  const typing = event.target.closest?.("input:not([type=checkbox]), textarea, select, dialog");
  if (typing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const walks = event.key === "j" || event.key === "k";
  if (event.repeat && !walks) return; // a key held down decides once
  if (KEYS[event.key]) { event.preventDefault(); press(event.key); }
});
$("actions").addEventListener("click", (event) => press(event.target.closest("button")?.dataset.key));
$("only-open").addEventListener("change", (event) => { state.onlyOpen = event.target.checked; draw(); });
$("reject-cancel").addEventListener("click", () => $("reject-dialog").close());
$("reject-form").addEventListener("submit", () => {
  const why = $("reject-reason").value.trim();
  if (why) state.whys.add(why);
  act(() => rule({ action: "reject", reason: why || null }));
});
$("token-form").addEventListener("submit", () => { setToken($("token-input").value); act(start); });

async function start() {
  await refresh();
  await show((state.items.find((line) => line.open) ?? state.items[0])?.id);
}

// Another tab or person may have decided meanwhile.
async function lookAgain() {
  const idle = () => !state.busy && !state.editing && !document.querySelector("dialog[open]");
  if (document.hidden || !idle()) return;
  const seen = state.current;
  try {
    const [queue, current] = await Promise.all([fetchQueue(), seen && fetchItem(seen.item.id)]);
    if (!idle() || state.current !== seen) return; // the person was faster
    const changed = JSON.stringify([queue.items, current]) !== JSON.stringify([state.items, seen]);
    state.items = queue.items;
    state.current = current;
    if (changed) draw();
  } catch (error) {
    warn(error.message);
  }
}
window.addEventListener("focus", lookAgain);
setInterval(lookAgain, REFRESH_MS);
window.addEventListener("beforeunload", (event) => { if (state.editing) event.preventDefault(); });

act(start);
