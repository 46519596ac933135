// Lets the keyboard into code and tables that are wider than the window, to scroll them.

for (const box of document.querySelectorAll(".prose :is(pre, table)")) {
  if (box.scrollWidth > box.clientWidth) box.tabIndex = 0;
}
