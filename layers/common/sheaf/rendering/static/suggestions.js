// Titles of pages below a search box: a combobox with a list as the ARIA Authoring Practices describe
// it. Keys stay in the box, and the page that is chosen opens. Enter alone searches.

import { pageOf } from "./addresses.js";

const DELAY = 150; // ms after the last key
const boxes = new Set();

export function offer(box) {
  if (boxes.has(box)) return;
  const list = document.createElement("div");
  list.id = `site.titles.${boxes.size}`;
  list.className = "titles";
  list.role = "listbox";
  list.ariaLabel = "Pages";
  list.hidden = true;
  boxes.add(box);
  box.form.append(list);
  box.role = "combobox";
  box.autocomplete = "off";
  box.ariaAutoComplete = "list";
  box.ariaExpanded = false;
  box.setAttribute("aria-controls", list.id);
  listen(box, list);
}

function listen(box, list) {
  let timer;
  const look = () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, DELAY, box, list);
  };
  box.addEventListener("input", look);
  box.addEventListener("keydown", (event) => press(event, box, list));
  box.addEventListener("blur", () => show(box, list, []));
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the box keeps the focus
  if (box.value !== box.defaultValue) look(); // somebody was faster than this script
}

async function suggest(box, list) {
  const typed = box.value.trim();
  const items = typed ? await titles(typed) : [];
  if (box.value.trim() === typed && document.activeElement === box) show(box, list, items);
}

async function titles(typed) {
  const address = "/api/suggestions?" + new URLSearchParams({ q: typed });
  const answer = await fetch(address).catch(() => null);
  return answer?.ok ? (await answer.json()).items : [];
}

function show(box, list, items) {
  list.replaceChildren(...items.map(option));
  [...list.children].forEach((each, place) => (each.id = `${list.id}.${place}`));
  list.hidden = !items.length;
  box.ariaExpanded = !list.hidden;
  choose(box, list, null);
}

// Pages may have the same title, never the same slug.
function option({ slug, title }) {
  const [page, name] = [document.createElement("a"), document.createElement("small")];
  page.role = "option";
  page.href = pageOf(slug);
  page.tabIndex = -1;
  name.textContent = slug;
  page.append(`${title} `, name);
  return page;
}

function choose(box, list, chosen) {
  for (const each of list.children) each.ariaSelected = each === chosen;
  if (!chosen) return box.removeAttribute("aria-activedescendant");
  box.setAttribute("aria-activedescendant", chosen.id);
  chosen.scrollIntoView({ block: "nearest" });
}

function press(event, box, list) {
  if (list.hidden || event.isComposing) return;
  const chosen = list.querySelector("[aria-selected=true]");
  const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (step) {
    const stops = [null, ...list.children]; // the first one is the box itself
    choose(box, list, stops.at((stops.indexOf(chosen) + step) % stops.length));
  } else if (event.key === "Enter" && chosen) {
    chosen.click();
  } else if (event.key === "Escape") {
    show(box, list, []);
  } else {
    return;
  }
  event.preventDefault();
}
