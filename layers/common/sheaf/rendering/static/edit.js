// The editor of one page.
//
// A text always knows the version it builds on, by its ETag, and is saved only onto that version.
// When the page has moved on the site refuses, and both texts are shown: none is overwritten.

import { Problem, deletePage, getPage, preview, putPage } from "./api.js";
import { ask } from "./ask.js";
import * as conflict from "./conflict.js";
import * as drafts from "./drafts.js";
import { handle, signInAddress, signOut } from "./session.js";
import { makeTabs } from "./tabs.js";

const DRAFT_DELAY = 300; // ms after the last key
const RELOAD = 2_000; // ms that a saved page is waited for

const byId = (id) => document.getElementById(id);
const form = byId("editor");
const text = byId("text");
const comment = byId("comment");
const slug = form.dataset.slug;
const tabs = makeTabs(form.querySelector("[role=tablist]"));

let current = null; // the page as the site last showed it; null where there is none
let etag = null; // of the version that the text builds on; null to create the page
let loaded = ""; // what that version says
let lineEnd = "\n"; // as that version has it: a text area knows "\n" only
let busy = false;
let leaving = false;

async function open() {
  current = await getPage(slug);
  build(current);
  text.value = loaded;
  byId("fields").disabled = false;
  describe();
  const draft = drafts.load(slug);
  if (draft && draft.text !== loaded) restore(draft);
  else focusText();
  grow();
}

// From now on the text builds on this version.
function build(page) {
  etag = page?.etag ?? null;
  lineEnd = page?.body.includes("\r\n") ? "\r\n" : "\n";
  loaded = (page?.body ?? "").replaceAll("\r\n", "\n");
  byId("delete").hidden = !page;
}

function describe() {
  const state = current
    ? `You are editing version ${current.version}, saved by ${current.author}.`
    : "This page does not exist yet. Saving creates it.";
  say(handle() ? state : `${state} You will be asked to sign in when you save.`);
}

// The draft goes on from the version that it was begun on, which may be an old one.
function restore(draft) {
  text.value = draft.text;
  comment.value = draft.comment;
  byId("draft").hidden = false;
  byId("draft").querySelector("time").textContent = new Date(draft.at).toLocaleString();
  if (draft.etag === etag) return;
  etag = draft.etag;
  showConflict();
}

async function save() {
  if (!byId("conflict").hidden) return byId("conflict-heading").focus();
  say("Saving…");
  const body = text.value.replaceAll("\n", lineEnd);
  const request = putPage(slug, body, comment.value.trim(), etag);
  return write(request, (page) => page?.body === body);
}

async function remove() {
  const unsaved = isDirty() ? " Your unsaved text goes with it." : "";
  if (!(await ask(`Delete the page ${slug}?${unsaved}`, "Delete"))) return;
  await write(deletePage(slug, etag), (page) => !page);
}

// A refused write may be one of ours whose answer was lost: `isDone` tells by what the site has.
async function write(request, isDone) {
  try {
    await request;
  } catch (problem) {
    if (problem.status !== 412) throw problem;
    current = await getPage(slug);
    if (!isDone(current)) return showConflict();
  }
  await leave();
}

function showConflict() {
  tabs.choose(byId("write-tab"));
  say("");
  conflict.show(current, text.value);
}

function keepMine() {
  build(current);
  conflict.settle(true);
  keepDraft();
  say("Saving puts your text in the place of theirs, which stays in the page’s history.");
  text.focus();
}

async function discard() {
  if (!(await ask("Discard your unsaved text?", "Discard mine"))) return;
  build(current);
  text.value = loaded;
  comment.value = "";
  drafts.drop(slug);
  byId("draft").hidden = true;
  conflict.settle(false);
  describe();
  grow();
  focusText();
}

async function showPreview() {
  const panel = byId("preview");
  if (!handle()) {
    panel.textContent = "Sign in to see a preview.";
    return;
  }
  panel.textContent = "One moment…";
  panel.innerHTML = await preview(slug, text.value); // the site has made it safe
  // A heading's id must not hide one of the editor's own.
  for (const element of panel.querySelectorAll("[id]")) element.removeAttribute("id");
}

function focusText() {
  text.setSelectionRange(0, 0);
  text.focus();
}

function isDirty() {
  return text.value !== loaded;
}

function keepDraft() {
  if (!isDirty()) return drafts.drop(slug);
  try {
    drafts.keep(slug, { text: text.value, comment: comment.value, etag });
  } catch {
    say("This browser has no room for a draft: save before you leave.");
  }
}

// To the page as it is now: at an address that nobody has asked for, since a CDN may remember the page
// as it was for a minute. The browser is made to forget it.
async function leave() {
  leaving = true;
  drafts.drop(slug);
  const page = slug === "home" ? "/" : `/${slug}`;
  await fetch(page, { cache: "reload", signal: AbortSignal.timeout(RELOAD) }).catch(() => {});
  location.assign(`${page}?v=${Date.now()}`);
}

function goSignIn() {
  leaving = true;
  keepDraft();
  signOut(); // the site does not take this tab's token, if it has one
  location.assign(signInAddress());
}

// Does what a button asks for, one thing at a time, and puts a refusal into words.
async function attempt(action) {
  if (busy) return;
  setBusy(true);
  warn("");
  try {
    await action();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 401) return goSignIn();
    say("");
    warn(problem.message);
  } finally {
    setBusy(false);
  }
}

function setBusy(isBusy) {
  busy = isBusy;
  text.readOnly = isBusy;
  form.ariaBusy = isBusy;
}

function say(words) {
  byId("state").textContent = words;
}

function warn(words) {
  byId("alert").textContent = words;
}

// For browsers that do not know the style sheet's field-sizing.
function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  if (text.scrollHeight > text.clientHeight) text.style.height = `${text.scrollHeight}px`;
}

function afterTyping() {
  keepDraft();
  conflict.mark(text.value);
}

let typing;
form.addEventListener("input", () => {
  grow();
  clearTimeout(typing);
  typing = setTimeout(afterTyping, DRAFT_DELAY);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(save);
});
form.addEventListener("tab", ({ detail }) => detail === "preview" && attempt(showPreview));
byId("delete").addEventListener("click", () => attempt(remove));
byId("keep-mine").addEventListener("click", keepMine);
byId("take-theirs").addEventListener("click", discard);
byId("discard").addEventListener("click", discard);
addEventListener("keydown", (event) => {
  if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  byId("save").click();
});
addEventListener("beforeunload", (event) => {
  if (!leaving && isDirty()) event.preventDefault();
});
addEventListener("pagehide", () => leaving || keepDraft());
// A page that comes back as it was left may show an old version.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

attempt(open);
