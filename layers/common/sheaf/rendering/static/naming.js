// Says at which address a page will be while its title is typed. It is the site that knows the rule.

import { Problem, propose } from "./api.js";

const DELAY = 200; // ms after the last key

// `form` has the fields `name` and `folder`. `told` is given what the site proposes: {slug, taken, free}.
export function watch(form, told) {
  const [name, folder] = [form.querySelector("#name"), form.querySelector("#folder")];
  const typed = () => `${name.value.trim()}/${folder.value}`;
  let timer;

  async function look() {
    const asked = typed();
    if (!name.value.trim()) return;
    const found = await propose(name.value, folder.value).catch(wordsOf);
    if (asked === typed()) told(found);
  }

  form.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, DELAY);
  });
  form.addEventListener("submit", () => clearTimeout(timer));
  look(); // something may have been typed before
}

export function say(words) {
  document.getElementById("address").textContent = words;
}

function wordsOf(problem) {
  if (!(problem instanceof Problem)) throw problem;
  return { problem: problem.message };
}
