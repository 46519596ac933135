// Where there is no page, offers those that may have been meant.

import { encoded, link, pageOf } from "./addresses.js";

const place = document.getElementById("similar");

async function offer() {
  const answer = await fetch(`/api/similar/${encoded(place.dataset.slug)}`).catch(() => null); // a link leads there, too
  if (!answer?.ok) return;
  const { items } = await answer.json();
  place.querySelector("ul").replaceChildren(...items.map(entry));
  place.hidden = !items.length;
}

function entry({ slug, title }) {
  const name = document.createElement("bdi");
  name.className = "hint";
  name.textContent = `/${slug}`;
  const item = document.createElement("li");
  item.append(link(pageOf(slug), title), " ", name);
  return item;
}

if (place) offer();
