// Slugs in addresses, and links to them.

export function encoded(slug) {
  return slug.split("/").map(encodeURIComponent).join("/");
}

const start = document.documentElement.dataset.start ?? "home";

export function pageOf(slug) {
  return slug === start ? "/" : `/${encoded(slug)}`;
}

export function editorOf(slug) {
  return `/-/edit/${encoded(slug)}`;
}

export function link(href, words) {
  const anchor = document.createElement("a");
  anchor.href = href;
  anchor.textContent = words;
  return anchor;
}
