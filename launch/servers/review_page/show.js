// An item as a page: records and evidence in, DOM out. Text goes in as text nodes only, never as markup.
export const REASONS = {
  crisis: "crisis",
  label_audit: "label audit",
  teacher_wrong: "teacher wrong",
  quality_filter: "quality filter",
  sampled: "sampled",
};
export const LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ";
const KINDS = { single: "单选题", multiple: "多选题", case: "案例题", short: "简答题" };
const DONE = { accept: "accepted", edit: "edited", reject: "rejected" };
const ROLES = { user: "提问", assistant: "回应", system: "系统" };

export function element(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === true) node.setAttribute(name, "");
    else if (value !== false && value != null) node.setAttribute(name, value);
  }
  node.append(...children.filter((child) => child != null && child !== false));
  return node;
}

const chip = (reason) => element("span", { class: `chip ${reason}` }, REASONS[reason] ?? reason);

const zh = (tag, kind, ...children) => element(tag, { class: kind, lang: "zh-Hans" }, ...children);
const section = (title, ...children) =>
  element("section", { "aria-label": title }, element("h3", {}, title), ...children);

export function itemView(item, decision, place) {
  const question = decision?.question ?? item.question;
  const dialogue = decision?.dialogue ?? item.dialogue;
  return element("article", { class: "item" },
    header(item, decision, place),
    ...(question ? questionView(item, question) : dialogueView(item, dialogue)));
}

function header(item, decision, place) {
  const reasons = element("p", { class: "why" }, ...item.reasons.map(chip), element("span", { class: "place" }, place));
  const notes = item.notes.length > 0
    && element("ul", { class: "notes" }, ...item.notes.map((note) => zh("li", "", note)));
  return element("header", {}, reasons, notes, decision && stamp(decision));
}

function stamp(decision) {
  const when = new Date(decision.time).toLocaleString();
  const why = decision.reason ? `: ${decision.reason}` : "";
  return element("p", { class: `stamp ${decision.action}` },
    `${DONE[decision.action]}${why} · ${decision.reviewer} · ${when}`);
}

function questionView(item, question) {
  return [
    question.case && zh("p", "case", question.case),
    zh("h2", "stem", element("span", { class: "kind" }, KINDS[question.kind] ?? question.kind), question.stem),
    question.options.length ? optionsView(question) : zh("p", "gold-text", question.gold),
    item.answers.length > 0 && section("Selectors", answersView(item.answers, question.gold)),
    item.passage && section(item.passage.title ? `Passage · ${item.passage.title}` : "Passage",
      passageView(item.passage.text, question.span)),
    !item.passage && question.span && section("Span", zh("p", "passage", element("mark", {}, question.span))),
    item.rationale && section("Rationale", zh("p", "rationale", item.rationale)),
    question.explanation && section("Explanation", zh("p", "rationale", question.explanation)),
    element("p", { class: "lineage" }, `${item.id} · ${question.source}`),
  ].filter(Boolean);
}

function optionsView(question) {
  return element("ol", { class: "options", lang: "zh-Hans" }, ...question.options.map((text, n) => {
    const right = question.gold.includes(LETTERS[n]);
    return element("li", { class: right ? "right" : null },
      element("span", { class: "letter", "aria-hidden": "true" }, LETTERS[n]),
      element("span", {}, text),
      right && element("span", { class: "tick", role: "img", "aria-label": "gold" }, "✓"));
  }));
}

export function passageView(text, span) {
  const at = span ? text.indexOf(span) : -1;
  if (at < 0) return zh("p", "passage", text);
  return zh("p", "passage", text.slice(0, at), element("mark", {}, span), text.slice(at + span.length));
}

function answersView(answers, gold) {
  const bySelector = Map.groupBy ? Map.groupBy(answers, (a) => a.selector) : grouped(answers);
  const rows = [...bySelector].map(([selector, given]) => element("tr", {},
    element("th", { scope: "row" }, selector),
    element("td", {}, ...given.map((a) => element("span",
      { class: `answer ${a.answer === null ? "none" : a.answer === gold ? "right" : "wrong"}` },
      a.answer ?? "no answer", element("b", {}, ` ×${a.count}`))))));
  return element("table", { class: "answers" }, element("tbody", {}, ...rows));
}

function grouped(answers) {
  const groups = new Map();
  for (const answer of answers) groups.set(answer.selector, [...(groups.get(answer.selector) ?? []), answer]);
  return groups;
}

function turns(messages) {
  return element("ol", { class: "turns", lang: "zh-Hans" }, ...messages.map((message) =>
    element("li", { class: message.role },
      element("span", { class: "role" }, ROLES[message.role]), element("p", {}, message.content))));
}

function dialogueView(item, dialogue) {
  return [
    turns(dialogue.messages),
    item.original && section("As it was found", turns(item.original.messages)),
    element("p", { class: "lineage" }, `${item.id} · ${dialogue.source}`),
  ].filter(Boolean);
}
