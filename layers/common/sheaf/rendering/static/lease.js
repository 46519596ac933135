// A page that somebody has reserved: others are told, and can take it over.

import { deleteLease, getLease, takeLeaseOver } from "./api.js";
import { ask } from "./ask.js";
import { CLOCK, inWords } from "./times.js";

const section = document.getElementById("lease");

let isTaken = false; // by this tab
let timer;

// Looks who has reserved the page, if it is somebody else.
export async function look(slug, person) {
  const lease = await getLease(slug);
  if (lease && lease.holder !== person) show(lease);
}

export function show({ holder, seconds_left: seconds }) {
  const until = inWords(Date.now() + 1000 * seconds, CLOCK);
  section.dataset.holder = holder;
  section.querySelector("p").textContent =
    `${holder} has reserved this page until ${until}. ` +
    "You can write meanwhile, and save when it is free.";
  section.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => (section.hidden = true), 1000 * seconds);
}

// Takes the page over, if that is meant; whether it was.
export async function takeOver(slug) {
  const { holder } = section.dataset;
  const what = `What ${holder} saves under the old reservation becomes a draft.`;
  if (!(await ask(`Take this page over from ${holder}? ${what}`, "Take over"))) return false;
  await takeLeaseOver(slug);
  isTaken = true;
  section.hidden = true;
  return true;
}

// What was taken over is free again.
export function giveUp(slug) {
  if (isTaken) deleteLease(slug).catch(() => {}); // it ends by itself
  isTaken = false;
}
