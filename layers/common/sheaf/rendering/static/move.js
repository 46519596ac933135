// Moves a page to the address that its new name makes.

import { encoded, link, pageOf } from "./addresses.js";
import { Problem, movePage, propose } from "./api.js";
import { say, watch } from "./naming.js";
import { tell } from "./notices.js";
import { signInAddress } from "./session.js";

const RELOAD = 2_000; // ms that the old address is waited for

const form = document.getElementById("move");
const alert = document.getElementById("alert");
const { slug } = form.dataset;
const [name, folder] = [form.querySelector("#name"), form.querySelector("#folder")];
let version = Number(form.dataset.version); // that the person has been told of

watch(form, describe);

function describe({ slug: to, taken, moved_to, alike, problem }) {
  if (problem) return say(problem);
  if (to === slug) return say(`It is at /${slug} now.`);
  if (taken && !moved_to) return say(`There is a page at /${to} already.`);
  if (moved_to) return say(`It will be at /${to}, which leads to /${moved_to} now.`);
  const isOther = alike && alike !== slug;
  say(`It will be at /${to}${isOther ? `. There is a page at /${alike} already.` : ""}`);
}

async function move() {
  const proposed = await propose(name.value, folder.value);
  describe(proposed);
  if (proposed.slug === slug) throw new Problem(0, "Give it another name, or another folder.");
  const { url } = await movePage(slug, version, proposed.slug);
  // The browser is made to forget what was at the old address.
  const reloaded = { cache: "reload", signal: AbortSignal.timeout(RELOAD) };
  await fetch(pageOf(slug), reloaded).catch(() => {});
  const href = `/-/history/${encoded(proposed.slug)}`;
  tell({ words: `This page was moved from /${slug}.`, label: "See its history", href });
  location.assign(url);
}

function refuse(problem) {
  if (problem.status === 401) return goSignIn();
  const { current } = problem.members;
  if (problem.status === 412 && problem.members.slug !== slug) say(""); // that it is taken is told once
  const isNewer = problem.status === 412 && problem.members.slug === slug && current?.state === "live";
  alert.textContent = isNewer
    ? `${current.author} has saved version ${current.version} of this page meanwhile. Nothing was moved. `
    : problem.message;
  if (!isNewer) return;
  const changes = `/-/diff/${encoded(slug)}?from=${version}&to=${current.version}`;
  alert.append(link(changes, "See what changed"), ", and move it then if you like.");
  version = current.version;
}

// What is in the fields is in the address to come back to.
function goSignIn() {
  const fields = new URLSearchParams({ name: name.value, folder: folder.value });
  history.replaceState(history.state, "", `${location.pathname}?${fields}`);
  location.assign(signInAddress());
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  if (form.ariaBusy === "true") return;
  form.ariaBusy = true;
  alert.textContent = "";
  try {
    await move();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    refuse(problem);
  } finally {
    form.ariaBusy = false;
  }
});

form.addEventListener("input", () => {
  alert.textContent = "";
});

form.querySelector("button").disabled = false;
