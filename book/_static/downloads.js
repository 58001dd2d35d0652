// The theme's menu opens a notebook as text in a new tab; its links save it instead.
document.addEventListener("DOMContentLoaded", () => {
  for (const link of document.querySelectorAll(".dropdown-download-buttons a"))
    link.download = "";
});
