// Lets the keyboard into code and tables that are wider than the window, to scroll them, and marks
// links whose text is their address: on paper that is not said twice.

for (const box of document.querySelectorAll(".prose :is(pre, table)")) {
  if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
addEventListener("beforeprint", () => {
  for (const link of document.querySelectorAll(".prose a[href^=http]")) {
    if (link.getAttribute("href") === link.textContent) link.classList.add("bare");
  }
});
