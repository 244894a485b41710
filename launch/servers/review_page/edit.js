// The edit form of an item: a form in, what changed out. Ctrl+Enter saves, Esc leaves.
import { element, LETTERS, passageView } from "./show.js";

const CHOICES = ["single", "multiple", "case"];

export function editForm(item, decision, save, cancel) {
  const question = decision?.question ?? item.question;
  const dialogue = decision?.dialogue ?? item.dialogue;
  const form = element("form", { class: "edit", "aria-label": "Edit the item", novalidate: true },
    ...(question ? questionFields(question, item.passage) : dialogueFields(dialogue)),
    element("p", { class: "fault", role: "alert", hidden: true }),
    element("div", { class: "buttons" },
      button("button", "", "Esc", "cancel"), button("submit", "accept", "Ctrl Enter", "save")));
  const before = JSON.stringify(read(form, question));
  const submit = () => save(read(form, question), (why) => tell(form, why));
  let warned = false;
  const leave = () => {
    if (warned || JSON.stringify(read(form, question)) === before) cancel();
    else tell(form, "There are changes: Esc once more drops them.");
    warned = true;
  };
  form.addEventListener("submit", (event) => { event.preventDefault(); submit(); });
  form.querySelector("button[type=button]").addEventListener("click", leave);
  form.addEventListener("keydown", (event) => {
    if (event.isComposing) return; // the keys belong to the input method
    if (event.key === "Escape") { event.preventDefault(); leave(); }
    else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); submit(); }
    else warned = false;
  });
  form.addEventListener("input", (event) => grow(event.target));
  return form;
}

export function begin(form) {
  form.querySelectorAll("textarea").forEach(grow);
  form.querySelector("textarea, input").focus();
}

function grow(field) {
  if (field.tagName !== "TEXTAREA") return;
  field.style.height = "auto";
  field.style.height = `${field.scrollHeight + 2}px`;
}

function tell(form, why) {
  const fault = form.querySelector(".fault");
  fault.textContent = why;
  fault.hidden = false;
}

const button = (type, kind, key, text) =>
  element("button", { type, class: kind || null }, element("kbd", {}, key), ` ${text}`);

function area(name, label, value, hint) {
  const field = element("textarea", { name, rows: 1, lang: "zh-Hans", spellcheck: "false" });
  field.value = value ?? "";
  return element("label", { class: "field" }, element("span", {}, label), field,
    hint && element("small", {}, hint));
}

function questionFields(question, passage) {
  const choice = question.options.length > 0;
  const kinds = element("select", { name: "kind" }, ...(choice ? CHOICES : [question.kind]).map((kind) =>
    element("option", { value: kind, selected: kind === question.kind }, kind)));
  const options = question.options.map((text, n) => {
    const right = element("input", {
      type: "checkbox", name: "gold", value: LETTERS[n], checked: question.gold.includes(LETTERS[n]),
      "aria-label": `${LETTERS[n]} is right`,
    });
    const field = element("textarea", { name: "option", rows: 1, lang: "zh-Hans", "aria-label": `Option ${LETTERS[n]}` });
    field.value = text;
    return element("div", { class: "option" }, right, element("span", { class: "letter" }, LETTERS[n]), field);
  });
  return [
    area("stem", "Stem", question.stem),
    element("label", { class: "field" }, element("span", {}, "Kind"), kinds),
    question.case !== null && area("case", "Case", question.case),
    choice
      ? element("fieldset", { class: "field" }, element("legend", {}, "Options; tick the right ones"), ...options)
      : area("gold", "Answer", question.gold),
    area("span", "Span", question.span, passage && "verbatim from the passage:"),
    passage && passageView(passage.text, question.span),
    question.explanation !== null && area("explanation", "Explanation", question.explanation),
  ].filter(Boolean);
}

const dialogueFields = (dialogue) =>
  dialogue.messages.map((message, n) => area("turn", `${n + 1} · ${message.role}`, message.content));

function read(form, question) {
  const data = new FormData(form);
  if (!question) return { turns: data.getAll("turn") };
  const changes = { kind: data.get("kind"), stem: data.get("stem"), span: data.get("span") };
  for (const name of ["case", "explanation"]) if (data.has(name)) changes[name] = data.get(name);
  changes.gold = question.options.length ? data.getAll("gold").join("") : data.get("gold");
  if (question.options.length) changes.options = data.getAll("option");
  return { changes };
}
