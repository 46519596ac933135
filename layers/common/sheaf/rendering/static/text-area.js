// The text that is edited, as browsers have it.

export const text = document.getElementById("text");

// A text area knows one end of a line only.
export function plain(value) {
  return value.replaceAll("\r\n", "\n");
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
