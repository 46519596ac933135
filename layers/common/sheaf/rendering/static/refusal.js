// An account that may not edit: it is told so before it types.

import { text } from "./text-area.js";

export function refuse({ members, message }, person) {
  const isReader = members.type === "urn:sheaf:problem:forbidden";
  const why = isReader
    ? "This account may read this site and not edit it: that needs the role editor."
    : message;
  document.getElementById("refusal").textContent = `You are signed in as ${person}. ${why}`;
  text.readOnly = true;
  document.querySelector(".save .row").hidden = true;
  document.getElementById("delete").hidden = true;
}
