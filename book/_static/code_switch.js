// A switch at the head of a page that opens and closes all folded code. Without it, or
// without scripts, each cell still opens by itself: it is a <details> element.
document.addEventListener("DOMContentLoaded", () => {
  const cells = [...document.querySelectorAll(".bd-article div.cell > details.hide")];
  const heading = document.querySelector(".bd-article h1");
  if (!cells.length || !heading) return;
  const button = document.createElement("button");
  button.type = "button";
  button.className = "code-switch";
  const anyClosed = () => cells.some((cell) => !cell.open);
  const name = () => {
    button.textContent = anyClosed() ? "Show all code" : "Hide all code";
  };
  button.addEventListener("click", () => {
    const open = anyClosed();
    cells.forEach((cell) => (cell.open = open));
    name();
  });
  cells.forEach((cell) => cell.addEventListener("toggle", name));
  name();
  heading.after(button);
});
