// The person who is signed in, in all tabs of this browser: a session is {token, refreshToken,
// tokenUrl, signOutUrl, clientId}. What a token says is only shown here: the API's authorizer is
// what verifies it.

const KEY = "sheaf:session";
const BACK = "sheaf:signed-out"; // where to come back to, of this tab

// The session, whether or not its token has ended; null if there is none.
export function session() {
  try {
    return JSON.parse(localStorage.getItem(KEY));
  } catch {
    return null; // nothing of ours, or a browser that keeps nothing
  }
}

// The claims of a session's token.
export function claims({ token }) {
  try {
    const payload = token.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return { exp: 0 }; // not a token: nobody is signed in
  }
}

export function isValid(kept) {
  return claims(kept).exp * 1000 > Date.now();
}

// Who is signed in; null if nobody is.
export function handle() {
  const kept = session();
  if (!kept || !(kept.refreshToken || isValid(kept))) return null;
  const { username, sub } = claims(kept);
  return username ?? sub ?? null;
}

// Signs in, or goes on with another token. All tabs follow.
export function keep(kept) {
  localStorage.setItem(KEY, JSON.stringify(kept));
  changed();
}

// Signs out here, if this is still the token; whether it was.
export function drop(token) {
  if (session()?.token !== token) return false;
  localStorage.removeItem(KEY);
  changed();
  return true;
}

// Signs out here and, if it has an address for that, at the provider. OpenID Connect and Cognito
// call the address to come back to by different names.
function signOut() {
  const kept = session();
  dispatchEvent(new Event("signout")); // a last time as this person
  drop(kept?.token);
  if (!kept?.signOutUrl) return document.querySelector("header .session a").focus();
  sessionStorage.setItem(BACK, location.pathname + location.search);
  const back = location.origin + "/-/sign-in";
  const url = new URL(kept.signOutUrl);
  url.searchParams.set("client_id", kept.clientId);
  url.searchParams.set("logout_uri", back);
  url.searchParams.set("post_logout_redirect_uri", back);
  location.assign(url);
}

// Where this tab was when it signed out, once; null if it did not.
export function cameFrom() {
  const back = sessionStorage.getItem(BACK);
  sessionStorage.removeItem(BACK);
  return back;
}

// The address to sign in at and then come back from to where the reader is now.
export function signInAddress() {
  const here = location.pathname + location.search;
  return "/-/sign-in?" + new URLSearchParams({ next: here });
}

function changed() {
  show();
  dispatchEvent(new Event("session"));
}

function link(href, text) {
  const anchor = document.createElement("a");
  anchor.rel = "nofollow";
  anchor.href = href;
  anchor.textContent = text;
  return anchor;
}

function show() {
  const place = document.querySelector("header .session");
  const name = handle();
  if (!name) {
    const address = location.pathname === "/-/sign-in" ? "/-/sign-in" : signInAddress();
    return place.replaceChildren(link(address, "Sign in"));
  }
  const button = document.createElement("button");
  button.className = "quiet";
  button.textContent = "Sign out";
  button.addEventListener("click", signOut);
  const person = link("/-/users/" + encodeURIComponent(name), name);
  place.replaceChildren(person, link("/-/drafts", "Drafts"), button);
}

addEventListener("storage", ({ key }) => (key === KEY || key === null) && changed());
addEventListener("pageshow", ({ persisted }) => persisted && changed());
show();
