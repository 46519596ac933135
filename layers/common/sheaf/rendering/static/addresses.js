// Slugs in addresses.

export function encoded(slug) {
  return slug.split("/").map(encodeURIComponent).join("/");
}

export function pageOf(slug) {
  return slug === "home" ? "/" : `/${encoded(slug)}`;
}

export function editorOf(slug) {
  return `/-/edit/${encoded(slug)}`;
}
