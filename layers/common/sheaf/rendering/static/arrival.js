// What is left to do when a page is shown that the editor has saved.

import { show, told } from "./notices.js";

// The editor names the version that is to be shown in the address. It has been shown now: whoever
// copies the address, or keeps it, means the page as it will be.
const address = new URL(location.href);
if (address.searchParams.has("v")) {
  address.searchParams.delete("v");
  history.replaceState(history.state, "", address);
}

const notice = told();
if (notice) {
  const line = document.createElement("p");
  line.className = "notice";
  line.setAttribute("role", "status");
  show(notice, line);
  document.querySelector("main").prepend(line);
}
