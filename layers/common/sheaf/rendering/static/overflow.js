// Brings the page itself into sight in a long list of those beside it. Lets the keyboard into code
// and tables that are wider than the window, to scroll them, and marks links whose text is their
// address: on paper that is not said twice.

const itself = document.querySelector(".beside [aria-current]");
if (itself) {
  const list = itself.closest(".beside");
  list.scrollTop = itself.offsetTop - list.clientHeight / 2;
}
for (const box of document.querySelectorAll(".prose :is(pre, table)")) {
  if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
addEventListener("beforeprint", () => {
  for (const link of document.querySelectorAll(".prose a[href^=http]")) {
    if (link.getAttribute("href") === link.textContent) link.classList.add("bare");
  }
});
