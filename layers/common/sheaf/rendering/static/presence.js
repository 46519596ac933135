// Who else is editing the page. It refuses nobody anything.

import { Problem, deletePresence, putPresence } from "./api.js";

const BEAT = 20_000; // ms, while the tab is in sight
const tab = crypto.getRandomValues(new Uint32Array(3)).join("-");
const place = document.getElementById("presence");

let slug = null; // the page that this person is at; null: none

// Says on the site, and goes on saying, that this person is here, and shows who else is.
export function begin(page) {
  slug = page;
  beat();
}

export function end() {
  if (slug) deletePresence(slug, tab).catch(() => {}); // it ends by itself
  slug = null;
  place.textContent = "";
}

async function beat() {
  if (!slug || document.visibilityState !== "visible") return;
  try {
    const words = inWords(await putPresence(slug, tab));
    if (slug && place.textContent !== words) place.textContent = words;
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem; // nobody knows: what was said stays
  }
}

function inWords({ others, own_tabs: ownTabs }) {
  if (others === null) return ""; // nobody knows
  const names = [...others.slice(0, -2), others.slice(-2).join(" and ")].filter(Boolean).join(", ");
  const verb = others.length > 1 ? "are" : "is";
  return [
    ...(names ? [`${names} ${verb} editing this page, too.`] : []),
    ...(ownTabs ? ["You are editing this page in another tab, too."] : []),
  ].join(" ");
}

setInterval(beat, BEAT);
addEventListener("visibilitychange", beat);
addEventListener("pagehide", end);
addEventListener("signout", end);
