// Texts that are typed and not yet saved, kept for this tab, one for each page.
// A draft is {text, comment, etag, at}; `etag` is of the version that the text builds on.

const key = (slug) => `sheaf:draft:${slug}`;

export function load(slug) {
  return JSON.parse(sessionStorage.getItem(key(slug)) ?? "null");
}

export function keep(slug, draft) {
  sessionStorage.setItem(key(slug), JSON.stringify({ ...draft, at: Date.now() }));
}

export function drop(slug) {
  sessionStorage.removeItem(key(slug));
}
