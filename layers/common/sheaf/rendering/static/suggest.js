// Brings what offers titles while somebody types in a search box. The search itself works without.

function bring(box) {
  if (!box?.matches?.("[type=search][name=q]")) return;
  import("./suggestions.js").then(({ offer }) => offer(box), () => {});
}

document.addEventListener("focusin", ({ target }) => bring(target));
bring(document.activeElement);
