// The text that is edited, as browsers have it.

export const text = document.getElementById("text");

// A text area knows one end of a line only.
export function plain(value) {
  return value.replace(/\r\n?/g, "\n");
}

// What was typed, with the line ends of the text that it was made of: where that one has several,
// the lines before and after what is changed keep theirs, and as many lines in between theirs.
export function withLineEnds(typed, source) {
  const [old, lines] = [source.split(/(?<=\n|\r(?!\n))/), typed.split(/(?<=\n)/)];
  const isKept = (one, other) => plain(old.at(one) ?? "") === (lines.at(other) ?? "");
  const least = Math.min(old.length, lines.length);
  let start = 0;
  while (start < least && isKept(start, start)) start++;
  let end = 0;
  while (end < least - start && isKept(-1 - end, -1 - end)) end++;
  const before = old.slice(start, old.length - end);
  const after = lines.slice(start, lines.length - end);
  const usual = source.includes("\r\n") ? "\r\n" : "\n";
  const endOf = (index) =>
    (before.length === after.length && /\r?\n$|\r$/.exec(before[index])?.[0]) || usual;
  const changed = after.map((line, index) => line.replace("\n", endOf(index)));
  return [...old.slice(0, start), ...changed, ...old.slice(old.length - end)].join("");
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
