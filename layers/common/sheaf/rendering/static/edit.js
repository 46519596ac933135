// The editor of one page.
//
// A text always knows the version it builds on, by its ETag, and is saved only onto that version.
// When the page has moved on, the site refuses. Then the changes are merged, and the text builds on
// the version that is there; where both changed the same lines, its author decides first.

import { editorOf, pageOf } from "./addresses.js";
import { Problem, deletePage, getPage, mergePage, putPage, versionOf } from "./api.js";
import { ask } from "./ask.js";
import * as conflict from "./conflict.js";
import * as drafts from "./drafts.js";
import * as lease from "./lease.js";
import { mergedIn, show, tell, told } from "./notices.js";
import * as others from "./others.js";
import * as presence from "./presence.js";
import * as preview from "./preview.js";
import { refuse } from "./refusal.js";
import { handle, signInAddress } from "./session.js";
import { caution, say, sayKept, warn } from "./status.js";
import { makeTabs } from "./tabs.js";
import { beginning, focusText, grow, plain, text, withLineEnds } from "./text-area.js";
import { showTime } from "./times.js";
import { visit } from "./visit.js";

const DRAFT_DELAY = 300; // ms after the last key
const PATIENCE = 2_000; // ms that a draft's end is waited for
const TRIES = 3; // so often others may be faster before somebody has to press Save again

const byId = (id) => document.getElementById(id);
const form = byId("editor");
const comment = byId("comment");
const slug = form.dataset.slug;
const tabs = makeTabs(form.querySelector("[role=tablist]"));

let current = null; // the page as the site last showed it; null where there is none
let etag = null; // of the version that the text builds on; null to create the page
let loaded = ""; // what that version says, as a text area has it
let source = ""; // what the text was made of, as the site has it
let gone = ""; // how the page was deleted, if it was
let notice = null; // what was merged in and is to be told
let doing = null; // what was asked for and is under way
let done; // resolves when it is
let leaving = false;
let person = handle(); // whose text this is; null until somebody signs in
let isSignedIn = Boolean(person);
let mayEdit = true;
let keeper = null;
let typing; // the timer until what was typed is kept

async function open() {
  const looking = findDrafts();
  looking.catch(() => {}); // it is awaited below
  current = await getPage(slug, (words) => (gone = words));
  if (current && current.slug !== slug) return goOn(current.slug);
  build(current);
  text.value = loaded;
  const found = await looking;
  keeper = new drafts.Keeper(slug, person, sayKept);
  byId("fields").disabled = false;
  describe();
  const said = told();
  if (said) show(said, byId("told"));
  await begin(found);
  grow();
}

// The page has moved.
function goOn(to) {
  if (person) {
    drafts.moveAll(person, slug, to);
    conflict.move(person, slug, to);
  }
  arriveAt(to, "");
}

function arriveAt(to, words) {
  const label = "Read the page";
  tell({ words: `This page has another address now. ${words}`, label, href: pageOf(to) });
  location.replace(editorOf(to));
}

// The drafts of the page. Who may not edit is told so, and has none.
async function findDrafts() {
  try {
    return await drafts.find(slug, person);
  } catch (problem) {
    if (problem.status === 403) {
      mayEdit = false;
      refuse(problem, person);
    } else if (problem.status !== 401) throw problem;
    else if (!keeper) person = null; // the site does not take the token
    return drafts.find(slug, null);
  }
}

// Goes on with the newest draft, offers the others, and says who else is here.
async function begin([newest, ...rest]) {
  if (!mayEdit) return (text.value = newest?.text ?? loaded); // to be copied
  if (person) {
    presence.begin(slug);
    lease.look(slug, person).catch(() => {}); // a save would tell
  }
  others.offer(slug, rest, (draft) => attempt(() => swap(draft)));
  if (!newest) return isDirty() || focusText(!current);
  if (newest.text !== loaded || newest.comment) return restore(newest);
  await drafts.discard(slug, newest).catch(() => {}); // it ends by itself
}

// From now on the text builds on this version.
function build(page) {
  etag = page?.etag ?? null;
  source = page?.body ?? beginning();
  loaded = plain(source);
  byId("delete").hidden = !page || !mayEdit;
}

function describe() {
  const state = current
    ? `You are editing version ${current.version}, saved by ${current.author}.`
    : `${gone || "This page does not exist yet."} Saving creates it.`;
  if (!mayEdit) say("");
  else say(handle() ? state : `${state} You will be asked to sign in when you save.`);
}

// The draft goes on from the version that it was begun on, which may be an old one.
async function restore(draft) {
  text.value = draft.text;
  comment.value = draft.comment;
  byId("draft").hidden = false;
  showTime(byId("draft").querySelector("time"), draft.at);
  const isOfThis = draft.base === versionOf(etag);
  etag = draft.base && `"v${draft.base}"`;
  keeper.take(draft);
  if (isOfThis) return;
  if (!current) return showDeleted();
  if (!handle()) return say("The page has changed since. Sign in: the changes will be merged.");
  if ((await bringTogether()) && text.value === plain(current.body)) await forget();
}

// The page says already what the text does.
async function forget() {
  conflict.forget();
  await keeper.drop();
  build(current);
  sayKept("");
  byId("draft").hidden = true;
  byId("merged").textContent = "";
}

// Shows another draft of this person's; the one that was shown stays, too.
async function swap(draft) {
  conflict.hide();
  if (isDirty()) keepDraft();
  const mine = await keeper.release();
  await restore(draft).catch((problem) => warn(problem.message)); // it is shown all the same
  grow();
  focusText();
  return mine;
}

async function save() {
  if (!byId("deleted").hidden) return byId("deleted-heading").focus();
  if (conflict.isShown() && !decide()) return;
  for (let tries = 0; tries < TRIES; tries++) {
    say("Saving…");
    const body = withLineEnds(text.value, source);
    const saved = await write(
      putPage(slug, body, comment.value.trim(), etag),
      (page) => page?.body === body,
    );
    if (saved) return saved.warnings?.length ? stay(saved) : leave(saved.version);
    if (!current) return showDeleted();
    if (current.slug !== slug) return follow(current.slug);
    if (!(await bringTogether())) return;
  }
  say("Others keep saving this page. Their changes are in your text now: save once more.");
}

async function remove() {
  const unsaved = isDirty() ? " Your unsaved text goes with it." : "";
  if (!(await ask(`Delete the page ${slug}?${unsaved}`, "Delete"))) return;
  const done = await write(deletePage(slug, etag), (page) => !page);
  if (done) return leave(done.version);
  const who = `${current.author} has just changed this page.`;
  if (isDirty()) return warn(`${who} Save or discard your text before you delete it.`);
  build(current);
  text.value = loaded;
  describe();
  grow();
  warn(`${who} Look at it before you delete it.`);
}

// What was written, null if the page is not the one that it builds on. A refused write may be one of
// ours whose answer was lost: `isDone` tells by what the site has.
async function write(request, isDone) {
  try {
    return await request;
  } catch (problem) {
    if (problem.status !== 412) throw problem;
    current = await getPage(slug);
    if (!isDone(current)) return null;
    return current ?? { version: versionOf(etag) + 1 }; // what was deleted does not say
  }
}

// Has the text build on the page as it is now. The answer is whether it does: else there is something
// to decide first.
async function bringTogether() {
  const base = versionOf(etag);
  const answer = await mergePage(slug, base, withLineEnds(text.value, source));
  if (answer.slug !== slug) return follow(answer.slug);
  if (answer.conflicts.length) {
    say("");
    conflict.show(answer, base, person, slug);
    return false;
  }
  adopt(answer, plain(answer.body), base);
  return true;
}

// The page has moved: the text goes along, and is merged there.
function follow(to) {
  leaving = true;
  keepDraft();
  keeper.move(to);
  conflict.move(person, slug, to);
  arriveAt(to, "Your text came along: save it here.");
  return false;
}

// Takes what was decided as the text, if all is.
function decide() {
  const decided = conflict.decided();
  if (decided) adopt(decided.answer, decided.text, decided.base);
  else warn("There is something left to decide.");
  return Boolean(decided);
}

// From now on this is the text, and builds on the version that it was merged with.
function adopt({ etag: merged, version, body, merged: { lines, authors } }, value, base) {
  text.value = value;
  source = body;
  etag = merged;
  keepDraft();
  grow();
  if (!lines) return;
  notice = mergedIn(notice, { slug, from: base, to: version, lines, authors });
  show(notice, byId("merged"));
}

function showDeleted() {
  tabs.choose(byId("write-tab"));
  say("");
  byId("delete").hidden = true;
  byId("deleted").hidden = false;
  byId("deleted-heading").focus();
}

async function createAgain() {
  build(null);
  byId("deleted").hidden = true;
  keepDraft();
  await save();
}

// What was saved may not be what its author meant: that is told where it can be mended.
function stay(saved) {
  current = saved;
  build(current);
  comment.value = "";
  keepDraft();
  byId("draft").hidden = true;
  say(`This is saved as version ${saved.version}.`);
  caution(saved.warnings);
}

async function discard() {
  if (!(await ask("Discard your unsaved text?", "Discard mine"))) return;
  conflict.forget();
  await keeper.drop();
  build(current);
  text.value = loaded;
  comment.value = "";
  sayKept("");
  byId("draft").hidden = true;
  byId("deleted").hidden = true;
  describe();
  grow();
  focusText();
}

async function showPreview() {
  const { file } = current ?? {};
  if (handle()) return caution(await preview.fill(byId("preview"), slug, file, text.value));
  byId("preview").textContent = "Sign in to see a preview.";
}

function isDirty() {
  return text.value !== loaded;
}

function typed() {
  return { text: text.value, comment: comment.value, base: versionOf(etag) };
}

function keepDraft() {
  clearTimeout(typing);
  if (isDirty()) return keeper?.keep(typed());
  sayKept("");
  return keeper?.drop();
}

async function leave(version) {
  leaving = true;
  conflict.forget();
  lease.giveUp(slug);
  await Promise.race([keeper.drop(), new Promise((resolve) => setTimeout(resolve, PATIENCE))]);
  if (notice) tell(notice);
  await visit(slug, version);
}

function goSignIn() {
  leavePage();
  leaving = true;
  location.assign(signInAddress());
}

// Somebody has signed in or out, in any tab. What nobody has typed yet is whoever's comes first, and
// what one person has typed is not the next one's.
async function changePerson() {
  const now = handle();
  const isNews = Boolean(now) !== isSignedIn || (now && now !== person);
  if (leaving || !mayEdit || !isNews) return;
  isSignedIn = Boolean(now);
  if (!now) {
    presence.end();
    return say(`You are signed out. Your text stays here: sign in as ${person} to save it.`);
  }
  if (person && person !== now) {
    leavePage();
    leaving = true;
    const words = `What ${person} has typed here is kept as a draft, for ${person}.`;
    tell({ words, label: "Your drafts", href: "/-/drafts" });
    return location.reload();
  }
  if (!person) keeper.belongsTo(now);
  person = now;
  await lookAgain();
}

// Sends what the site does not have, and offers what it has.
async function lookAgain() {
  if (isDirty()) keepDraft();
  await keeper.send();
  const found = (await findDrafts()).filter((draft) => !keeper.has(draft));
  describe();
  await begin(isDirty() ? [undefined, ...found] : found);
}

function leavePage() {
  if (leaving || !keeper) return;
  keepDraft();
  keeper.leave();
}

async function takeOver() {
  if (await lease.takeOver(slug)) say("You have taken this page over.");
}

// Does what a button asks for, one thing after another, and what is under way not twice.
async function attempt(action) {
  while (doing) {
    if (doing === action) return undefined;
    await Promise.allSettled([done]);
  }
  if (leaving) return undefined;
  done = perform(action);
  return done;
}

// Puts a refusal into words.
async function perform(action) {
  setBusy(action);
  warn("");
  caution([]);
  try {
    return await action();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 401) return goSignIn();
    if (problem.status === 423) lease.show(problem.members);
    say("");
    warn(problem.message);
  } finally {
    setBusy(null);
  }
}

function setBusy(action) {
  doing = action;
  text.readOnly = Boolean(action) || !mayEdit;
  form.ariaBusy = Boolean(action);
}

form.addEventListener("input", () => {
  grow();
  clearTimeout(typing);
  typing = setTimeout(keepDraft, DRAFT_DELAY);
});
form.addEventListener("submit", (event) => {
  event.preventDefault();
  attempt(save);
});
form.addEventListener("tab", ({ detail }) => detail === "preview" && attempt(showPreview));
byId("delete").addEventListener("click", () => attempt(remove));
byId("create-again").addEventListener("click", () => attempt(createAgain));
byId("leave-deleted").addEventListener("click", discard);
byId("back-to-text").addEventListener("click", conflict.hide);
byId("discard").addEventListener("click", discard);
byId("take-over").addEventListener("click", () => attempt(takeOver));
addEventListener("keydown", (event) => {
  if (event.key !== "s" || !(event.ctrlKey || event.metaKey)) return;
  event.preventDefault();
  if (!document.querySelector("dialog[open]")) byId("save").click();
});
addEventListener("beforeunload", (event) => {
  if (!leaving && isDirty() && !keeper.isSafe) event.preventDefault();
});
addEventListener("pagehide", leavePage);
addEventListener("online", () => (keeper ? isSignedIn && attempt(lookAgain) : attempt(open)));
addEventListener("session", () => keeper && changePerson());
// A page that comes back as it was left may show an old version.
addEventListener("pageshow", ({ persisted }) => persisted && location.reload());

attempt(open);
