// Texts that are typed and not yet saved, of one page: on the site a moment after typing stops, and
// in this browser until the site has them. Each tab has a draft of its own: none overwrites another.
//
// A draft is {text, comment, base, at, id, key, sent}: `base` is the version that the text builds on
// (null: a new page), `at` when it was kept (ms), `id` what it goes on from on the site (null:
// nothing), `key` where it is in this browser (null: nowhere), `sent` what was sent without an answer.

import { Problem, deleteDraft, getDrafts, putDraft } from "./api.js";
import { handle } from "./session.js";

const PAUSE = 2_000; // ms after the last key, until the site is told
const AGAIN = 20_000; // ms after it did not answer
const PREFIX = "sheaf:draft:";

// Who has not signed in has one draft, in this tab alone. It belongs to whoever does that next.
const keyOfNobody = (slug) => PREFIX + slug;
const newKey = (person, slug) =>
  `${PREFIX}${person}:${slug}:${crypto.getRandomValues(new Uint32Array(2)).join("-")}`;

// The drafts of a person in this browser, of all pages, each with its slug.
export function inBrowser(person) {
  const begin = `${PREFIX}${person}:`;
  const keys = Object.keys(localStorage).filter((key) => key.startsWith(begin));
  return keys.map((key) => ({
    ...JSON.parse(localStorage.getItem(key)),
    slug: key.slice(begin.length, key.lastIndexOf(":")),
    key,
  }));
}

// Discards a draft, wherever it is.
export async function discard(slug, { id, key, sent }) {
  if (key) localStorage.removeItem(key);
  await deleteThere(slug, id, sent);
}

// What was sent without an answer may have arrived: sent again it is the same, and its id is told.
async function deleteThere(slug, id, sent) {
  const last = sent ? await put(slug, sent, id).catch(() => ({ id })) : { id };
  if (last.id) await deleteDraft(slug, last.id);
}

function put(slug, { text: body, comment, base: based_on }, replaces, isLeaving) {
  return putDraft(slug, { body, comment, based_on, replaces }, isLeaving);
}

// A page has moved: what this browser has of it goes along.
export function moveAll(person, slug, to) {
  for (const { key } of inBrowser(person).filter((draft) => draft.slug === slug)) {
    localStorage.setItem(newKey(person, to), localStorage.getItem(key));
    localStorage.removeItem(key);
  }
}

// All drafts of a page: first what was typed in this tab before signing in, then the newest.
// Rejects where the site refuses, not where it is silent: then there are those of this browser.
export async function find(slug, person) {
  const anonymous = JSON.parse(sessionStorage.getItem(keyOfNobody(slug)));
  const first = anonymous ? [{ ...anonymous, key: null }] : [];
  if (!person) return first;
  const there = await onSite(slug);
  const here = inBrowser(person).filter((draft) => draft.slug === slug);
  return [...first, ...together(here, there)];
}

async function onSite(slug) {
  try {
    return (await getDrafts(slug)).map(fromSite);
  } catch (problem) {
    if (!(problem instanceof Problem) || (problem.status && problem.status < 500)) throw problem;
    return [];
  }
}

function fromSite({ id, body, comment, based_on, created_at }) {
  return { text: body, comment, base: based_on, at: Date.parse(created_at), id, key: null };
}

// Of a draft that is in both places the one in the browser is the newer one, if they differ.
function together(here, there) {
  const unsent = [];
  for (const draft of here) {
    const arrived = there.find((other) => draft.sent && isSame(other, draft.sent));
    const later = arrived ? { ...draft, id: arrived.id, sent: null } : draft;
    if (there.some((other) => isSame(other, later) && saysTheSame(other, later)))
      localStorage.removeItem(draft.key);
    else unsent.push(later);
  }
  const continued = new Set(unsent.map(({ id }) => id));
  const others = there.filter(({ id }) => !continued.has(id));
  return [...unsent, ...others].toSorted((one, other) => other.at - one.at);
}

function isSame(one, other) {
  return one.text === other.text && one.base === other.base;
}

// The site has tidied up the spaces of the first one's comment.
function saysTheSame(one, other) {
  return one.comment === other.comment.trim().replace(/\s+/g, " ");
}

function content({ text, comment, base }) {
  return JSON.stringify([text, comment, base]);
}

// Keeps what is typed in this tab. `told` hears where: "site", "browser", "tab" or "nowhere".
export class Keeper {
  #slug;
  #person;
  #told;
  #key;
  #where = "tab";
  #draft = null; // what is to be kept; null: nothing
  #id = null; // of what the site has
  #known = ""; // what that is
  #trying = null; // what was sent, and not answered yet
  #sending = null;
  #timer;

  constructor(slug, person, told) {
    this.#slug = slug;
    this.#told = (where) => told((this.#where = where));
    this.#person = person;
    this.#key = person ? newKey(person, slug) : keyOfNobody(slug);
  }

  // Whether the draft outlives this tab.
  get isSafe() {
    return this.#where === "site" || this.#where === "browser";
  }

  // Whether a draft that was found is the one of this tab.
  has({ key, id }) {
    return key === this.#key || (id && id === this.#id);
  }

  // What nobody has typed until now is this person's.
  belongsTo(person) {
    sessionStorage.removeItem(this.#key);
    this.#person = person;
    this.#key = newKey(person, this.#slug);
    if (this.#draft) this.keep(this.#draft);
  }

  // Goes on with a draft that was found.
  take(draft) {
    if (draft.key) localStorage.removeItem(draft.key);
    sessionStorage.removeItem(keyOfNobody(this.#slug));
    this.#id = draft.id ?? null;
    this.#trying = draft.sent ?? null;
    this.#known = draft.id && !draft.key ? content(draft) : "";
    this.keep(draft);
  }

  // Lets go of the draft, which stays where it is; null if there is none.
  async release() {
    await this.send();
    const released = this.#draft && {
      ...this.#draft,
      at: Date.now(),
      id: this.#id,
      key: this.#where === "site" ? null : this.#key,
      sent: this.#trying,
    };
    this.#draft = this.#id = this.#trying = null;
    this.#known = "";
    if (this.#person) this.#key = newKey(this.#person, this.#slug);
    return released;
  }

  // The page has moved: what was typed goes along.
  move(slug) {
    this.#forgetHere();
    this.#slug = slug;
    this.#key = this.#person ? newKey(this.#person, slug) : keyOfNobody(slug);
    this.#keepHere();
  }

  keep({ text, comment, base }) {
    this.#draft = { text, comment, base };
    if (this.#isKnown()) return this.#told("site");
    const isKept = this.#keepHere();
    this.#told(!isKept ? "nowhere" : this.#person ? "browser" : "tab");
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.send(), PAUSE);
  }

  // The text is saved, or nobody wants it: it is nowhere any more.
  async drop() {
    clearTimeout(this.#timer);
    this.#draft = null;
    this.#forgetHere();
    await this.#sending;
    const [id, sent] = [this.#id, this.#trying];
    this.#id = this.#trying = null;
    this.#known = "";
    await deleteThere(this.#slug, id, sent).catch(() => {}); // it goes after some weeks
  }

  // Tells the site what it does not know yet. Where it does not answer, this browser has it.
  send() {
    clearTimeout(this.#timer);
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null));
    return this.#sending;
  }

  // The same as the page is left: nobody waits for an answer.
  leave() {
    if (!this.#draft || this.#isKnown()) return;
    this.#keepHere();
    if (this.#isOurs() && !this.#trying) this.#sendOne(this.#draft, true).catch(() => {});
  }

  #isKnown() {
    return content(this.#draft) === this.#known;
  }

  #isOurs() {
    return this.#person && handle() === this.#person;
  }

  async #sendAll() {
    try {
      while (this.#isOurs() && this.#draft && !this.#isKnown()) {
        // What may have arrived is sent again first, as it was: the site knows it again.
        await this.#sendOne(this.#trying ?? this.#draft);
      }
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      if (problem.status && problem.status < 500) this.#trying = null; // nothing has arrived
      else this.#timer = setTimeout(() => this.send(), AGAIN);
    }
  }

  async #sendOne(sent, isLeaving = false) {
    this.#trying = sent;
    this.#keepHere();
    const { id } = await put(this.#slug, sent, this.#id, isLeaving);
    this.#id = id;
    this.#trying = null;
    this.#known = content(sent);
    if (!this.#draft || !this.#isKnown()) return;
    this.#forgetHere();
    this.#told("site");
  }

  #keepHere() {
    if (!this.#draft) return true;
    const place = this.#person ? localStorage : sessionStorage;
    const kept = { ...this.#draft, at: Date.now(), id: this.#id, sent: this.#trying };
    try {
      place.setItem(this.#key, JSON.stringify(kept));
      return true;
    } catch {
      return false;
    }
  }

  #forgetHere() {
    localStorage.removeItem(this.#key);
    sessionStorage.removeItem(keyOfNobody(this.#slug));
  }
}
