// The site's API, as the editor uses it.

import { token } from "./session.js";

const TIMEOUT = 20_000; // ms

// An answer other than success. Status 0: there was no answer.
export class Problem extends Error {
  constructor(status, words) {
    super(words);
    this.status = status;
  }
}

// The page with its ETag, or null where there is none (never written, or deleted).
export async function getPage(slug) {
  try {
    const response = await call("GET", address(slug), {});
    // Proxies that compress mark a tag as weak; the site compares what is behind the mark.
    const etag = response.headers.get("ETag").replace(/^W\//, "");
    return { ...(await response.json()), etag };
  } catch (problem) {
    if (problem.status === 404 || problem.status === 410) return null;
    throw problem;
  }
}

// `etag` is of the version that the text builds on; null creates the page.
export async function putPage(slug, body, comment, etag) {
  const precondition = etag ? { "If-Match": etag } : { "If-None-Match": "*" };
  const content = comment ? { body, comment } : { body };
  await call("PUT", address(slug), signed(precondition), content);
}

export async function deletePage(slug, etag) {
  await call("DELETE", address(slug), signed({ "If-Match": etag }));
}

// The safe HTML of a text that is not saved yet.
export async function preview(slug, body) {
  const response = await call("POST", "/api/previews", signed({}), { body, slug });
  return (await response.json()).html;
}

function address(slug) {
  return "/api/pages/" + slug.split("/").map(encodeURIComponent).join("/");
}

function signed(headers) {
  const bearer = token();
  if (!bearer) throw new Problem(401, "You are not signed in.");
  return { ...headers, Authorization: `Bearer ${bearer}` };
}

async function call(method, url, headers, content) {
  const request = { method, headers, cache: "no-store", signal: AbortSignal.timeout(TIMEOUT) };
  if (content) {
    request.headers = { ...headers, "Content-Type": "application/json" };
    request.body = JSON.stringify(content);
  }
  let response;
  try {
    response = await fetch(url, request);
  } catch {
    throw new Problem(0, "The site did not answer. Your text is kept here; please try again.");
  }
  if (!response.ok) throw await problemOf(response);
  return response;
}

async function problemOf(response) {
  const isProblem = response.headers.get("Content-Type")?.startsWith("application/problem+json");
  const { detail, errors = [] } = isProblem ? await response.json() : {};
  const wait = response.headers.get("Retry-After");
  const words = [
    detail ?? `The site answered with status ${response.status}.`,
    ...errors.map(({ field, message }) => `${field}: ${message}.`),
    ...(wait ? [`Try again in ${wait} s.`] : []),
  ];
  return new Problem(response.status, words.join(" "));
}
