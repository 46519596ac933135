// To a page that was just saved, as it is now.

import { pageOf } from "./addresses.js";

const RELOAD = 2_000; // ms that the page is waited for

// At an address that nobody has asked for, since a CDN may remember the page as it was for a minute, and
// that tells the site which version to show. The browser is made to forget it.
export async function visit(slug, version) {
  const page = pageOf(slug);
  await fetch(page, { cache: "reload", signal: AbortSignal.timeout(RELOAD) }).catch(() => {});
  location.assign(`${page}?v=${version}`);
}
