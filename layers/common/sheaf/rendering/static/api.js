// The site's API, as the editor uses it.

import { encoded } from "./addresses.js";
import { token } from "./renewal.js";
import { drop } from "./session.js";

const TIMEOUT = 20_000; // ms

// The last write, and its key. The same again has the same key, so that it is done once.
const last = { write: "", key: "" };

// An answer other than success, with what it says besides words. Status 0: there was no answer.
export class Problem extends Error {
  constructor(status, words, members = {}) {
    super(words);
    this.status = status;
    this.members = members;
  }
}

// The page with its ETag, or null where there is none. `hearGone` is told how it was deleted.
export async function getPage(slug, hearGone = () => {}) {
  try {
    return await pageOf(await call("GET", address(slug), {}));
  } catch (problem) {
    if (problem.status === 410) hearGone(problem.message);
    else if (problem.status !== 404) throw problem;
    return null;
  }
}

// The version that this ETag is of.
export function versionOf(etag) {
  return etag && Number(/v(\d+)/.exec(etag)[1]);
}

// `etag` is of the version that the text builds on; null creates the page. The answer is the page
// with its ETag and with warnings: each has a line and a reason.
export async function putPage(slug, body, comment, etag) {
  const precondition = etag ? { "If-Match": etag } : { "If-None-Match": "*" };
  const content = comment ? { body, comment } : { body };
  return pageOf(await write("PUT", address(slug), precondition, content));
}

// `kept` is a version in a page's history, {slug, version}, that this page is to have again; `etag`
// and the answer are as of `putPage`.
export async function restorePage(slug, kept, comment, etag) {
  const precondition = etag ? { "If-Match": etag } : { "If-None-Match": "*" };
  return pageOf(await write("PUT", address(slug), precondition, { restore: kept, comment }));
}

// The answer is the version that the deletion is.
export async function deletePage(slug, etag) {
  const response = await write("DELETE", address(slug), { "If-Match": etag });
  return { version: versionOf(response.headers.get("ETag")) };
}

// What a text that was made of a version (null: of nothing) is together with what others have made
// of the page since: {version, body, merged: {lines, authors}, conflicts}, with its ETag.
export async function mergePage(slug, base, body) {
  const content = base ? { base, body } : { body };
  return pageOf(await signed("POST", address(slug, "merges"), {}, content));
}

// The answer is the page where it is now, with its ETag.
export async function movePage(slug, version, to) {
  const change = { from: slug, to, if_match: `"v${version}"` };
  return pageOf(await write("POST", "/api/moves", {}, change));
}

// The slug that a title makes in a folder, whether it is taken, and one that is free.
export async function propose(title, folder) {
  const query = new URLSearchParams({ title, folder });
  const response = await call("GET", `/api/slugs?${query}`, {});
  return response.json();
}

// A text that is not saved yet: its safe HTML, and warnings as of a saved one.
export async function preview(slug, file, body) {
  const response = await signed("POST", "/api/previews", {}, { body, slug, file });
  return response.json();
}

// The drafts of this person, the newest first: of one page with their texts.
export async function getDrafts(slug) {
  return itemsOf(await signed("GET", address(slug, "drafts"), {}));
}

export async function getAllDrafts() {
  return itemsOf(await signed("GET", "/api/drafts", {}));
}

// `typed` is {body, comment, based_on, replaces}; the answer is the draft without its text.
// With `keepalive` it is sent though the page is left.
export async function putDraft(slug, typed, keepalive = false) {
  const response = await signed("PUT", address(slug, "drafts"), {}, typed, keepalive);
  return response.json();
}

export async function deleteDraft(slug, id) {
  await signed("DELETE", `${address(slug, "drafts")}?id=${id}`, {}, undefined, true);
}

// Says that the page is being edited in this tab: {others, own_tabs}, null where nobody knows.
export async function putPresence(slug, tab) {
  const response = await signed("PUT", address(slug, "presence"), {}, { tab });
  return response.json();
}

export async function deletePresence(slug, tab) {
  await signed("DELETE", `${address(slug, "presence")}?tab=${tab}`, {}, undefined, true);
}

// Who has reserved the page: {holder, seconds_left}, or null.
export async function getLease(slug) {
  try {
    return await (await call("GET", address(slug, "leases"), {})).json();
  } catch (problem) {
    if (problem.status === 404) return null;
    throw problem;
  }
}

export async function takeLeaseOver(slug) {
  await signed("PUT", address(slug, "leases"), {}, { take_over: true });
}

export async function deleteLease(slug) {
  await signed("DELETE", address(slug, "leases"), {}, undefined, true);
}

async function itemsOf(response) {
  return (await response.json()).items;
}

async function pageOf(response) {
  // Proxies that compress mark a tag as weak; the site compares what is behind the mark.
  const etag = response.headers.get("ETag").replace(/^W\//, "");
  return { ...(await response.json()), etag };
}

function address(slug, collection = "pages") {
  return `/api/${collection}/${encoded(slug)}`;
}

// As the person who is signed in. A token that the site does not take is dropped in all tabs, unless
// the provider renews it, or another tab has a newer one already: then that is tried.
async function signed(method, url, headers, content, keepalive = false, refused = null) {
  const bearer = await token(refused).catch(() => {
    throw silence(content);
  });
  if (!bearer) throw new Problem(401, "You are not signed in.");
  const authorized = { ...headers, Authorization: `Bearer ${bearer}` };
  try {
    return await call(method, url, authorized, content, keepalive);
  } catch (problem) {
    if (problem.status !== 401 || (refused && drop(bearer))) throw problem;
    return signed(method, url, headers, content, keepalive, bearer);
  }
}

function write(method, url, precondition, content) {
  const sent = JSON.stringify([method, url, precondition, content]);
  if (sent !== last.write) Object.assign(last, { write: sent, key: newKey() });
  return signed(method, url, { ...precondition, "Idempotency-Key": `"${last.key}"` }, content);
}

// Where a site has no certificate, browsers offer no `crypto.randomUUID`.
function newKey() {
  return crypto.getRandomValues(new Uint32Array(4)).join("-");
}

async function call(method, url, headers, content, keepalive = false) {
  const signal = AbortSignal.timeout(TIMEOUT);
  const request = { method, headers, cache: "no-store", signal, keepalive };
  if (content) {
    request.headers = { ...headers, "Content-Type": "application/json" };
    request.body = JSON.stringify(content);
  }
  let response;
  try {
    response = await fetch(url, request);
  } catch {
    throw silence(content);
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

function silence(content) {
  const again = content ? "Your text is kept here; please try again." : "Please try again.";
  return new Problem(0, `The site did not answer. ${again}`);
}

async function problemOf(response) {
  const isProblem = response.headers.get("Content-Type")?.startsWith("application/problem+json");
  const members = isProblem ? await response.json() : {};
  const { detail } = members;
  const wait = response.headers.get("Retry-After");
  const words = [
    detail ?? `The site answered with status ${response.status}.`,
    ...(wait ? [`Try again in ${wait > 90 ? `${Math.ceil(wait / 60)} minutes` : `${wait} s`}.`] : []),
  ];
  return new Problem(response.status, words.join(" "), members);
}
