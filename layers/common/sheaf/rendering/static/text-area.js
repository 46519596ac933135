// The text that is edited, as browsers have it.

export const text = document.getElementById("text");

// A text area knows one end of a line only.
export function plain(value) {
  return value.replaceAll("\r\n", "\n");
}

// What a new page begins with: the title that was asked for, as a heading that says just that.
export function beginning() {
  const title = new URLSearchParams(location.search).get("title")?.trim().replace(/\s+/g, " ");
  const signs = /[\\`*[\]<~]|\b_+|_+\b|&(?=\S*;)|#(?=#*$)/g;
  return title ? `# ${title.replace(signs, (run) => run.replace(/./g, "\\$&"))}\n\n` : "";
}

// At its beginning, or where a text that is only begun goes on.
export function focusText(isBegun = false) {
  const place = isBegun ? text.value.length : 0;
  text.setSelectionRange(place, place);
  text.focus();
}

// For browsers that do not know the style sheet's field-sizing.
export function grow() {
  if (CSS.supports("field-sizing", "content")) return;
  if (text.scrollHeight > text.clientHeight) text.style.height = `${text.scrollHeight}px`;
}
