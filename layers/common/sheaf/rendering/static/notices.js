// What there is to say to somebody, here or on the next page of this tab: {words, label, href}.

import { encoded, link } from "./addresses.js";
import { handle } from "./session.js";

const KEY = "sheaf:notice";

export function tell(notice) {
  sessionStorage.setItem(KEY, JSON.stringify(notice));
}

// The notice, once; null if there is none.
export function told() {
  const kept = sessionStorage.getItem(KEY);
  sessionStorage.removeItem(KEY);
  return JSON.parse(kept);
}

export function show({ words, label, href }, place) {
  place.replaceChildren(`${words} `, link(href, label));
}

// That others' changes are in a text now, between two versions of its page; `before` is what was so
// already. `from` is null where the text was to be a new page.
export function mergedIn(before, { slug, from, to, lines, authors }) {
  const first = before ? before.from : from;
  const count = lines + (before?.lines ?? 0);
  const names = [...new Set([...authors, ...(before?.names ?? [])])];
  const whose = names.map((name) => (name === handle() ? "your own" : `${name}’s`)).join(" and ");
  const changes = names.length > 1 ? ["changes", "were"] : ["change", "was"];
  const path = encoded(slug);
  return {
    from: first,
    lines: count,
    names,
    words: `${whose} ${changes[0]} to ${count} ${count > 1 ? "lines" : "line"} ${changes[1]} merged in.`,
    label: "See what changed",
    href: first ? `/-/diff/${path}?from=${first}&to=${to}` : `/-/history/${path}`,
  };
}
