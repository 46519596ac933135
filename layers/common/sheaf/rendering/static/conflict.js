// Two people saved the same page: what the other one saved is shown beside one's own text.

const section = document.getElementById("conflict");
const panel = document.getElementById("theirs");
const pre = panel.querySelector("pre");
let theirText = null;

// `page` is what the site has now; null if it was deleted. `mine` is the text being edited.
export function show(page, mine) {
  const heading = section.querySelector("h2");
  heading.textContent = page
    ? `${page.author} saved version ${page.version} while you were editing`
    : "This page was deleted while you were editing";
  document.getElementById("theirs-heading").textContent = page
    ? `Theirs: version ${page.version} by ${page.author}`
    : "Theirs: deleted";
  document.getElementById("text-label").textContent = "Yours, in Markdown";
  theirText = page?.body ?? "";
  mark(mine);
  panel.hidden = false;
  section.hidden = false;
  heading.focus();
}

// Marks those of their lines that are nowhere in mine.
export function mark(mine) {
  if (theirText === null) return;
  const known = new Set(lines(mine));
  const shown = lines(theirText).flatMap((line) => {
    if (known.has(line) || !line.trim()) return [line, "\n"];
    const missing = document.createElement("mark");
    missing.textContent = line;
    return [missing, "\n"];
  });
  pre.replaceChildren(...shown);
}

// The choice is made. Their text may stay in sight, to copy from.
export function settle(keepInSight) {
  section.hidden = true;
  if (keepInSight) return;
  panel.hidden = true;
  theirText = null;
  document.getElementById("text-label").textContent = "Text in Markdown";
}

function lines(text) {
  return text.split(/\r?\n/);
}
