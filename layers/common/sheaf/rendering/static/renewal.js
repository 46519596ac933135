// Tokens that are renewed before they end, where the provider gives refresh tokens (RFC 6749, 6).

import { claims, drop, isValid, keep, session } from "./session.js";

const AHEAD = 300; // s before its end; of a token that lives shorter, a quarter of its life
const TIMEOUT = 15_000; // ms
const SETTLED = 10_000; // ms by which every tab has heard of a new token

// A token that is good for now; null if nobody is signed in. One that the site has refused is as if
// it had ended. Rejects if only the provider could give one, and does not answer.
export async function token(refused = null) {
  const kept = session();
  if (kept?.refreshToken && isOver(kept, refused)) {
    try {
      await Promise.race([renewedAlone(refused), told()]);
    } catch (error) {
      if (!isValid(kept)) throw error;
    }
  }
  const now = session();
  return now && isValid(now) ? now.token : null;
}

function isOver(kept, refused) {
  const { exp, iat = 0 } = claims(kept);
  return kept.token === refused || exp - Math.min(AHEAD, (exp - iat) / 4) < Date.now() / 1000;
}

// When a session has begun or ended, or has another token, in any tab.
function told() {
  return new Promise((resolve) => addEventListener("session", resolve, { once: true }));
}

// In one tab at a time, for a refresh token counts once. Browsers tell other tabs of what is stored
// in a moment, and not at once: until then nobody else may try.
function renewedAlone(refused) {
  if (!navigator.locks) return renew(refused);
  return new Promise((resolve, reject) => {
    navigator.locks.request("sheaf:renewal", async () => {
      const isNew = await renew(refused).catch(reject);
      resolve();
      if (isNew) await new Promise((settled) => setTimeout(settled, SETTLED));
    });
  });
}

// Whether there is a new token by this.
async function renew(refused) {
  const kept = session();
  if (!kept?.refreshToken || !isOver(kept, refused)) return false; // another tab was first
  const response = await fetch(kept.tokenUrl, {
    method: "POST",
    body: new URLSearchParams({
      grant_type: "refresh_token",
      refresh_token: kept.refreshToken,
      client_id: kept.clientId,
    }),
    signal: AbortSignal.timeout(TIMEOUT),
  });
  const answer = await response.json();
  if (session()?.token !== kept.token) return false; // signed out meanwhile, or in anew
  if (answer.access_token) {
    const refreshToken = answer.refresh_token ?? kept.refreshToken;
    keep({ ...kept, token: answer.access_token, refreshToken });
    return true;
  }
  if (answer.error !== "invalid_grant") throw new Error(answer.error);
  drop(kept.token);
  return false;
}
