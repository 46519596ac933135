// A person's drafts of all pages, those that only this browser has among them.

import { Problem, getAllDrafts } from "./api.js";
import { editorOf, link } from "./addresses.js";
import { ask } from "./ask.js";
import { discard, inBrowser } from "./drafts.js";
import { handle, signInAddress } from "./session.js";
import { inWords } from "./times.js";

const [list, state] = ["list", "state"].map((id) => document.getElementById(`drafts.${id}`));

async function show() {
  list.replaceChildren();
  const person = handle();
  if (!person) return sayWhereToSignIn();
  const here = inBrowser(person).map((draft) => ({ ...draft, isHere: true }));
  const drafts = [...here, ...(await onSite())];
  list.replaceChildren(...drafts.map(item));
  if (!state.textContent && !drafts.length) state.textContent = "You have no drafts.";
}

function sayWhereToSignIn() {
  state.replaceChildren(link(signInAddress(), "Sign in"), " to see what you have typed and not saved.");
}

async function onSite() {
  state.textContent = "";
  try {
    const found = await getAllDrafts();
    return found.map(({ created_at: at, ...draft }) => ({ ...draft, at, key: null }));
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    state.textContent = problem.message;
    return [];
  }
}

function item(draft) {
  const { slug, title = slug, at, comment, isHere } = draft;
  const element = document.getElementById("drafts.item").content.firstElementChild.cloneNode(true);
  const there = element.querySelector("a");
  there.href = editorOf(slug);
  there.textContent = title;
  const notes = [slug, inWords(at), ...(comment ? [`“${comment}”`] : [])];
  if (isHere) notes.push("in this browser only");
  element.querySelector(".meta").replaceChildren(...notes.flatMap(apart));
  const button = element.querySelector("button");
  button.setAttribute("aria-label", `Discard the draft of ${title}`);
  button.addEventListener("click", () => remove(draft, title));
  return element;
}

// Beside others, whichever way each is read.
function apart(words, index) {
  const part = document.createElement("bdi");
  part.textContent = words;
  return index ? [" · ", part] : [part];
}

async function remove(draft, title) {
  if (!(await ask(`Discard your draft of ${title}?`, "Discard it"))) return;
  try {
    await discard(draft.slug, draft.isHere ? { key: draft.key } : draft);
    await show();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    state.textContent = problem.message;
  }
}

addEventListener("session", show);
show();
