// Fewer tab stops. A list of links is one stop, and the arrow keys move within it; code
// that is folded is none, since the switch opens it, nor is a chapter of the contents, which
// its page opens. Without scripts all are stops.
const LISTS = [
  "nav.bd-links, nav.page-toc, .outcomes, .page-footer, .ledger-entry",
  ".came-out ul, .paper-claims, .bd-article table, .extra_footer, .offered-files ul",
  ".library-part > *, .library-names ul",
].join();
document.addEventListener("DOMContentLoaded", () => {
  const folded = ".tag_hide-input > details > summary, nav.bd-links summary";
  for (const one of document.querySelectorAll(folded)) one.tabIndex = -1;
  for (const list of document.querySelectorAll(LISTS)) {
    const links = [...list.querySelectorAll("a[href]")];
    const stop = (link) => {
      if (link) links.forEach((one) => (one.tabIndex = one === link ? 0 : -1));
    };
    if (links.length < 2) continue;
    stop(links.find((one) => one.classList.contains("current")) ?? links[0]);
    list.ariaDescription = "The arrow keys move between the links.";
    list.addEventListener("focusin", (event) => stop(event.target.closest("a")));
    list.addEventListener("keydown", (event) => {
      const step = { ArrowUp: -1, ArrowDown: 1 }[event.key];
      // After a click the arrow keys scroll, as everywhere.
      if (!step || !event.target.matches("a:focus-visible")) return;
      event.preventDefault();
      const shown = links.filter((one) => one.checkVisibility());
      shown.at((shown.indexOf(event.target) + step) % shown.length).focus();
    });
  }
});
