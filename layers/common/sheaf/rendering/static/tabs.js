// Tabs as the ARIA Authoring Practices describe them: arrow keys move, the chosen panel shows.
// A choice is announced by a "tab" event that carries the panel's id.

export function makeTabs(list) {
  const tabs = [...list.querySelectorAll("[role=tab]")];

  function choose(chosen) {
    for (const tab of tabs) {
      const isChosen = tab === chosen;
      tab.ariaSelected = isChosen;
      tab.tabIndex = isChosen ? 0 : -1;
      panel(tab).hidden = !isChosen;
    }
    list.dispatchEvent(new CustomEvent("tab", { detail: panel(chosen).id, bubbles: true }));
  }

  list.addEventListener("click", ({ target }) => tabs.includes(target) && choose(target));
  list.addEventListener("keydown", ({ key, target }) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
    if (!step) return;
    const next = tabs.at((tabs.indexOf(target) + step) % tabs.length);
    next.focus();
    choose(next);
  });
  return { choose };
}

function panel(tab) {
  return document.getElementById(tab.getAttribute("aria-controls"));
}
