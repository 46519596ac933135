// Asks before something is lost. Resolves to whether the answer was yes.

export function ask(question, yes) {
  const dialog = document.getElementById("ask");
  document.getElementById("question").textContent = question;
  dialog.querySelector("[value=yes]").textContent = yes;
  dialog.returnValue = "";
  dialog.showModal();
  return new Promise((resolve) => {
    const settle = () => resolve(dialog.returnValue === "yes");
    dialog.addEventListener("close", settle, { once: true });
  });
}
