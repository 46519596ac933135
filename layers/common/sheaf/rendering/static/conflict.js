// Where two people changed the same lines a person decides, one paragraph after the other.

import { sayKept, warn } from "./status.js";
import { plain } from "./text-area.js";

const PREFIX = "sheaf:decisions:";

const section = document.getElementById("conflict");
const editing = document.getElementById("editing");
const list = document.getElementById("conflicts");

// Han and kana have no spaces between words.
const IN_WORDS = /[^\s\p{sc=Han}\p{sc=Hiragana}\p{sc=Katakana}]/u;

// A line of a list, a table, a quotation, or of code.
const LISTED = /^(\s*([-*+|>#]|\d+[.)])|\s{4}|\t)/m;

let lines = []; // of the merged text, which has this person's where both changed them
let choices = []; // {element, conflict, area, texts}
let merge = null; // {answer, base}: what is being decided on
let key = ""; // of what is decided until now, in this browser

// Shows what the site answers to a merge with a version in the place of the text, which is this
// person's, of this page. What was decided on the same lines before is there again.
export function show(answer, base, person, slug) {
  merge = { answer, base };
  key = keyOf(person, slug);
  const before = JSON.parse(localStorage.getItem(key)) ?? {};
  const { body, conflicts: found, merged } = answer;
  const { authors } = merged;
  const name = authors.length === 1 && authors[0] !== person ? authors[0] : null; // whose text theirs is
  const conflicts = found.map(asTyped);
  lines = linesOf(plain(body));
  const paragraphs = conflicts.map((conflict) => around(conflict, conflicts));
  choices = conflicts.map((conflict, index) =>
    makeChoice(conflict, paragraphs[index], name, `${index + 1} of ${conflicts.length}`),
  );
  for (const choice of choices) decideAgain(choice, before[between(choice)]);
  const heading = section.querySelector("h2");
  const isOwn = authors.every((author) => author === person);
  const whose = isOwn ? "You" : `${name ?? "Somebody else"} and you`;
  const what = `the same ${conflicts.length > 1 ? "places" : "lines"}`;
  heading.textContent = `${whose} changed ${what}${isOwn ? " in another tab, too" : ""}`;
  list.replaceChildren(...choices.map(({ element }) => element));
  editing.hidden = true;
  section.hidden = false;
  heading.focus();
}

function asTyped(conflict) {
  return { ...conflict, mine: plain(conflict.mine), theirs: plain(conflict.theirs) };
}

export function isShown() {
  return !section.hidden;
}

export function hide() {
  section.hidden = true;
  editing.hidden = false;
  list.replaceChildren();
}

// What was decided: {text, answer, base}. While something is not, that is brought into sight, and
// the answer is null.
export function decided() {
  const open = choices.find((choice) => !isMade(choice));
  open?.element.querySelector("input").focus();
  if (open) return null;
  hide();
  return { text: text(), ...merge };
}

// The text is saved, or nobody wants it: what was decided is of no more use.
export function forget() {
  if (key) localStorage.removeItem(key);
}

// The page has moved: what was decided goes along.
export function move(person, from, to) {
  const kept = localStorage.getItem(keyOf(person, from));
  if (kept) localStorage.setItem(keyOf(person, to), kept);
  localStorage.removeItem(keyOf(person, from));
}

function keyOf(person, slug) {
  return `${PREFIX}${person}:${slug}`;
}

// Nobody decides for nothing by emptying the field.
function isMade(choice) {
  const which = chosen(choice);
  return which === "own" ? choice.area.value !== "" : Boolean(which);
}

// Which of the texts was chosen, if one was.
function chosen({ element }) {
  return element.querySelector(":checked")?.value;
}

function choose({ element, area, texts }, which) {
  const radio = element.querySelector(`[value=${which}]`);
  radio.closest("label").hidden = false;
  radio.checked = true;
  if (area.value !== texts[which]) area.value = texts[which];
}

function keep() {
  warn("");
  const made = choices.filter(isMade);
  const kept = made.map((choice) => [between(choice), [chosen(choice), choice.texts.own]]);
  try {
    localStorage.setItem(key, JSON.stringify(Object.fromEntries(kept)));
  } catch {
    sayKept("nowhere");
  }
}

function decideAgain(choice, [which, own] = []) {
  choice.texts.own = own;
  if (own) choose(choice, "own");
  if (which) choose(choice, which);
}

// What a choice is between: the same again is decided already.
function between({ conflict: { mine, theirs } }) {
  return JSON.stringify([mine, theirs]);
}

// The whole text. The last lines are replaced first: the others keep their numbers.
function text() {
  const whole = [...lines];
  for (const { conflict, area } of choices.toReversed()) {
    const start = conflict.line - 1;
    const hadEnd = (conflict.mine + conflict.theirs).endsWith("\n");
    const value = hadEnd ? ended(area.value) : area.value;
    whole.splice(start, linesOf(conflict.mine).length, value);
  }
  return whole.join("");
}

function linesOf(text) {
  return text ? text.split(/(?<=\n)(?!$)/) : [];
}

function ended(text) {
  return !text || text.endsWith("\n") ? text : `${text}\n`;
}

// The other lines of the paragraph, which nobody has to decide on.
function around({ line, mine }, conflicts) {
  const taken = new Set(
    conflicts.flatMap((each) => linesOf(each.mine).map((_, index) => each.line - 1 + index)),
  );
  const belongs = (index) => lines[index]?.trim() && !taken.has(index);
  let start = line - 1;
  let end = start + linesOf(mine).length;
  while (belongs(start - 1)) start--;
  while (belongs(end)) end++;
  const after = line - 1 + linesOf(mine).length;
  return { before: lines.slice(start, line - 1).join(""), after: lines.slice(after, end).join("") };
}

function makeChoice(conflict, paragraph, name, count) {
  const element = document.getElementById("choice").content.firstElementChild.cloneNode(true);
  const area = element.querySelector("textarea");
  const theirs = name ? `${name}’s` : "Theirs";
  element.querySelector("legend").textContent = `${count}: line ${conflict.line}`;
  for (const place of element.querySelectorAll(".name")) place.textContent = theirs;
  const [mine, other] = element.querySelectorAll("pre");
  mine.replaceChildren(...marked(conflict.mine, conflict.theirs, paragraph));
  other.replaceChildren(...marked(conflict.theirs, conflict.mine, paragraph));
  const texts = {
    mine: conflict.mine,
    theirs: conflict.theirs,
    both: oneAfterTheOther(conflict, paragraph),
    neither: "",
  };
  const choice = { element, conflict, area, texts };
  const decide = (which) => {
    choose(choice, which);
    keep();
  };
  for (const radio of element.querySelectorAll("input")) {
    radio.name = `choice-${conflict.line}`;
    radio.addEventListener("change", () => decide(radio.value));
  }
  area.addEventListener("input", () => {
    texts.own = area.value;
    decide("own");
  });
  return choice;
}

// Whole paragraphs stay two; items of a list, and lines in a paragraph, stay together.
function oneAfterTheOther({ mine, theirs }, { before, after }) {
  const isApart = mine.trim() && theirs.trim() && !(before || after) && !LISTED.test(mine + theirs);
  return ended(mine) + (isApart ? "\n" : "") + theirs;
}

// A text within its paragraph; what the other one has not is marked.
function marked(text, other, { before, after }) {
  const [start, end] = difference(text, other);
  const mark = document.createElement("mark");
  const nothing = text ? "(an empty line)\n" : "(nothing)\n";
  mark.textContent = text.trim() ? text.slice(start, end) : nothing;
  return [before, text.slice(0, start), mark, text.slice(end), after];
}

// What is between the words that two texts begin with and those that they end with.
function difference(text, other) {
  const least = Math.min(text.length, other.length);
  let start = 0;
  while (start < least && text[start] === other[start]) start++;
  while (start && IN_WORDS.test(text[start - 1])) start--;
  let end = 0;
  while (end < least - start && text.at(-1 - end) === other.at(-1 - end)) end++;
  while (end && IN_WORDS.test(text.at(-end))) end--;
  return [start, text.length - end];
}
