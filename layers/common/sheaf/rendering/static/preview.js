// What a text would look like.

import { preview } from "./api.js";

// HTML comes from the site's own renderer alone, which has made it safe.
const safe = globalThis.trustedTypes?.createPolicy("sheaf", { createHTML: (html) => html }) ?? {
  createHTML: (html) => html,
};

// Fills the panel; the answer is what its author may not have meant.
export async function fill(panel, slug, file, text) {
  panel.textContent = "One moment…";
  try {
    const { html, lang, dir, warnings = [] } = await preview(slug, file, text);
    panel.innerHTML = safe.createHTML(html);
    panel.lang = lang ?? document.documentElement.lang;
    panel.dir = dir;
    // A heading's id must not hide one of the editor's own.
    for (const element of panel.querySelectorAll("[id]")) element.removeAttribute("id");
    return warnings;
  } catch (problem) {
    panel.textContent = "";
    throw problem;
  }
}
