// Signing in: OAuth 2 authorization code with PKCE (RFC 7636), for a client that has no secret.

import { cameFrom, handle, keep } from "./session.js";

const PENDING = "sheaf:sign-in";
const SCOPE = "sheaf/write";

const place = document.getElementById("sign-in");
const [status, alert, button] = place.children;
const { signInUrl, tokenUrl, signOutUrl, clientId } = place.dataset;
const redirectUri = location.origin + "/-/sign-in";
const query = new URLSearchParams(location.search);

function base64url(bytes) {
  const text = btoa(String.fromCharCode(...bytes));
  return text.replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

function secret() {
  return base64url(crypto.getRandomValues(new Uint8Array(32)));
}

// Always an address of this site: the author of a link to us does not choose where people end up.
function safeNext(next) {
  const usable = next?.startsWith("/") && !next.startsWith("/-/sign-in");
  return location.origin + (usable ? next : "/");
}

async function begin(next) {
  const pending = { state: secret(), verifier: secret(), next };
  sessionStorage.setItem(PENDING, JSON.stringify(pending));
  const digest = await crypto.subtle.digest("SHA-256", new TextEncoder().encode(pending.verifier));
  const url = new URL(signInUrl);
  url.search = new URLSearchParams({
    response_type: "code",
    client_id: clientId,
    redirect_uri: redirectUri,
    scope: SCOPE,
    state: pending.state,
    code_challenge: base64url(new Uint8Array(digest)),
    code_challenge_method: "S256",
  });
  location.replace(url); // so that "back" does not lead here again
}

async function finish(pending) {
  const answer = await exchange(query.get("code"), pending.verifier);
  if (answer.access_token) {
    const { access_token: token, refresh_token: refreshToken } = answer;
    keep({ token, refreshToken, tokenUrl, signOutUrl, clientId });
    location.replace(pending.next);
  } else {
    fail(answer.error_description ?? `Signing in was refused: ${answer.error}.`);
  }
}

async function exchange(code, verifier) {
  try {
    const response = await fetch(tokenUrl, {
      method: "POST",
      body: new URLSearchParams({
        grant_type: "authorization_code",
        code,
        redirect_uri: redirectUri,
        client_id: clientId,
        code_verifier: verifier,
      }),
      signal: AbortSignal.timeout(15_000),
    });
    return await response.json();
  } catch {
    return { error_description: "The sign-in service did not answer. Please try again." };
  }
}

function fail(words) {
  status.textContent = "";
  alert.textContent = words;
  button.hidden = !signInUrl;
}

function takePending() {
  const pending = JSON.parse(sessionStorage.getItem(PENDING) ?? "null");
  sessionStorage.removeItem(PENDING); // a code is good for one try
  return pending;
}

function run() {
  if (!signInUrl) return fail("This site has no way to sign in yet: its address is not set.");
  if (!query.has("code") && !query.has("error")) {
    const back = cameFrom();
    if (back && !query.has("next")) return location.replace(safeNext(back));
    const next = safeNext(query.get("next"));
    return handle() ? location.replace(next) : begin(next);
  }
  const pending = takePending();
  button.addEventListener("click", () => begin(pending?.next ?? safeNext(null)));
  if (pending?.state !== query.get("state")) {
    return fail("This sign-in was not begun in this tab, or it was used already.");
  }
  if (query.has("error")) {
    return fail(query.get("error_description") ?? `Signing in was refused: ${query.get("error")}.`);
  }
  return finish(pending);
}

run();
