// Brings back what a version held. What it replaces is looked at when somebody wants that, told, and
// named in the request: what others have saved since is never replaced unseen.

import { encoded, link } from "./addresses.js";
import { Problem, getPage, restorePage } from "./api.js";
import { ask } from "./ask.js";
import { handle, signInAddress } from "./session.js";
import { visit } from "./visit.js";

const WANTED = "sheaf:restore"; // where somebody had to sign in first

const button = document.getElementById("site.restore");
const alert = document.getElementById("site.restored");
const { slug, version } = button.dataset;
const kept = { slug, version: Number(version) };
let busy = false;

async function restore() {
  if (!handle()) return goSignIn();
  const page = await getPage(slug);
  if (page?.slug === slug && page.version === kept.version) {
    return tell("The page is as it was in this version: there is nothing to restore.");
  }
  if (!(await ask(question(page), "Restore"))) return;
  try {
    const comment = `Version ${version} restored`;
    const saved = await restorePage(page?.slug ?? slug, kept, comment, page?.etag);
    await visit(saved.slug, saved.version);
  } catch (problem) {
    if (problem.status !== 412) throw problem;
    tellOfChange(page, await getPage(slug));
  }
}

function question(page) {
  if (!page) return `There is no page ${slug} now. Restore it as it was in version ${version}?`;
  const place = page.slug === slug ? "" : ` at ${page.slug}, where the page is now`;
  const replaced = `version ${page.version}, “${page.title}”, saved by ${page.author}`;
  return `Restore version ${version}${place}? It replaces ${replaced}. That stays in the history.`;
}

// Somebody has saved while the question was open.
function tellOfChange(asked, now) {
  if (!now) return tell("Nothing was restored: the page was deleted meanwhile.", "Its history", "history");
  if (!asked || asked.slug !== now.slug) {
    const words = `Nothing was restored: ${now.author} has saved the page ${now.slug} meanwhile.`;
    return tell(words, "Its history", "history", now.slug);
  }
  const words = `Nothing was restored: ${now.author} has saved version ${now.version} meanwhile.`;
  tell(words, "What changed", "diff", now.slug, `?from=${asked.version}&to=${now.version}`);
}

function tell(words, label, place, about = slug, query = "") {
  alert.replaceChildren(words);
  if (label) alert.append(" ", link(`/-/${place}/${encoded(about)}${query}`, label));
}

function goSignIn() {
  sessionStorage.setItem(WANTED, location.href);
  location.assign(signInAddress());
}

async function attempt() {
  if (busy) return;
  busy = true;
  tell("");
  try {
    await restore();
  } catch (problem) {
    if (!(problem instanceof Problem)) throw problem;
    if (problem.status === 401) return goSignIn();
    tell(problem.status ? problem.message : "The site did not answer. Please try again.");
  } finally {
    busy = false;
  }
}

// Whoever comes back from signing in wants what was wanted before.
function goOn() {
  const wanted = sessionStorage.getItem(WANTED);
  sessionStorage.removeItem(WANTED);
  if (wanted !== location.href || !handle()) return;
  button.focus(); // where the question gives it back to
  attempt();
}

button.addEventListener("click", attempt);
button.disabled = false;
goOn();
