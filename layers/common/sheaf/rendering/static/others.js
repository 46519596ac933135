// Other drafts of the same person's: each can be shown in the place of the text, or discarded.

import { Problem } from "./api.js";
import { discard } from "./drafts.js";
import { warn } from "./status.js";
import { showTime } from "./times.js";

const section = document.getElementById("others");
const list = section.querySelector("ul");

// `swap` shows a draft, and resolves to the one that it took the place of, or to null; to undefined
// if nothing was done.
export function offer(slug, drafts, swap) {
  list.replaceChildren(...drafts.map((draft) => item(slug, draft, swap)));
  section.hidden = !drafts.length;
}

function item(slug, draft, swap) {
  const element = document.getElementById("other").content.firstElementChild.cloneNode(true);
  const [show, remove] = element.querySelectorAll("button");
  showTime(element.querySelector("time"), draft.at);
  show.addEventListener("click", async () => {
    const other = await swap(draft);
    if (other !== undefined) replace(element, other ? [item(slug, other, swap)] : []);
  });
  remove.addEventListener("click", async () => {
    try {
      await discard(slug, draft);
      replace(element, []);
    } catch (problem) {
      if (!(problem instanceof Problem)) throw problem;
      warn(problem.message);
    }
  });
  return element;
}

function replace(element, others) {
  element.replaceWith(...others);
  section.hidden = !list.childElementCount;
}
