// Offers the titles that begin with what is typed in a search box.

const titles = document.getElementById("site.titles");
let timer;

async function suggest(box) {
  const typed = box.value.trim();
  if (!typed) return titles.replaceChildren();
  const address = "/api/suggestions?" + new URLSearchParams({ q: typed });
  const answer = await fetch(address).catch(() => null); // the search itself works without
  if (!answer?.ok || box.value.trim() !== typed) return;
  const { items } = await answer.json();
  titles.replaceChildren(...items.map(({ title }) => new Option("", title)));
}

for (const box of document.querySelectorAll("input[list='site.titles']")) {
  box.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(suggest, 150, box);
  });
}
