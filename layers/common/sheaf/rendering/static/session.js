// The person who is signed in. The token stays in this tab and is gone when the tab is closed.
// What it says is only shown here: the API's authorizer is what verifies it.

const KEY = "sheaf:token";

export function token() {
  const kept = sessionStorage.getItem(KEY);
  return kept && claims(kept).exp * 1000 > Date.now() ? kept : null;
}

export function handle() {
  const kept = token();
  if (!kept) return null;
  const { username, sub } = claims(kept);
  return username ?? sub;
}

export function signIn(accessToken) {
  sessionStorage.setItem(KEY, accessToken);
}

export function signOut() {
  sessionStorage.removeItem(KEY);
  show();
}

// The address to sign in at and then come back from to where the reader is now.
export function signInAddress() {
  const here = location.pathname + location.search;
  return "/-/sign-in?" + new URLSearchParams({ next: here });
}

function claims(jwt) {
  try {
    const payload = jwt.split(".")[1].replaceAll("-", "+").replaceAll("_", "/");
    const bytes = Uint8Array.from(atob(payload), (character) => character.charCodeAt(0));
    return JSON.parse(new TextDecoder().decode(bytes));
  } catch {
    return { exp: 0 }; // not a token: nobody is signed in
  }
}

function show() {
  const place = document.querySelector("header .session");
  const name = handle();
  const link = document.createElement("a");
  link.rel = "nofollow";
  if (!name) {
    link.href = location.pathname === "/-/sign-in" ? "/-/sign-in" : signInAddress();
    link.textContent = "Sign in";
    place.replaceChildren(link);
    return;
  }
  link.href = "/-/users/" + encodeURIComponent(name);
  link.textContent = name;
  const button = document.createElement("button");
  button.className = "quiet";
  button.textContent = "Sign out";
  button.addEventListener("click", signOut);
  place.replaceChildren(link, " ", button);
}

show();
