// The form for a new page works without this, which tells the address while the title is typed.

import { say, watch } from "./naming.js";

watch(document.getElementById("new"), ({ slug, taken, free, problem }) => {
  if (problem) return say(problem);
  if (!taken) return say(`It will be at /${slug}`);
  const other = free ? `; /${free} is free` : "";
  say(`There is a page at /${slug} already${other}.`);
});
