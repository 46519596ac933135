// What the editor says of its text, and what is wrong.

const KEPT = {
  site: "Your text is kept as a draft, wherever you sign in.",
  browser: "Your text is kept in this browser.",
  tab: "Your text is kept in this tab until you sign in.",
  nowhere: "This browser has no room for a draft: save before you leave.",
};

const [state, alert, warnings, kept] = ["state", "alert", "warnings", "kept"].map((id) =>
  document.getElementById(id),
);

export function say(words) {
  state.textContent = words;
}

export function warn(words) {
  alert.textContent = words;
}

// What its author may not have meant: each has a line and a reason.
export function caution(found) {
  warnings.textContent = found.map(({ line, reason }) => `Line ${line}: ${reason}`).join(" ");
}

// Where the draft is; "" if there is none.
export function sayKept(where) {
  kept.textContent = KEPT[where] ?? "";
}
