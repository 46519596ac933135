// The form for a new page works without this, which tells the address while the title is typed.

import { say, watch } from "./naming.js";

watch(document.getElementById("new"), ({ slug, taken, free, moved_to, alike, problem }) => {
  if (problem) return say(problem);
  if (!taken) return say(`It will be at /${slug}${alike ? `. There is a page at /${alike} already.` : ""}`);
  const there = moved_to ? `/${slug} leads to /${moved_to}` : `There is a page at /${slug} already`;
  say(free ? `${there}; /${free} is free.` : `${there}.`);
});
