// Asks before something is changed. Resolves to whether the answer was yes.

export function ask(question, yes) {
  const dialog = document.getElementById("site.ask");
  document.getElementById("site.question").textContent = question;
  dialog.querySelector("[value=yes]").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const settle = () => resolve(dialog.returnValue === "yes");
    dialog.addEventListener("close", settle, { once: true });
  });
}
