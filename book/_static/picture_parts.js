/* What the pictures that answer share: elements, numbers, and the place of their still. */

"use strict";

const pictureParts = (() => {
  const SVG = "http://www.w3.org/2000/svg";

  const made = (node, attributes, parent, text) => {
    Object.entries(attributes).forEach(([key, value]) => node.setAttribute(key, value));
    if (text !== null) node.textContent = text;
    if (parent) parent.append(node);
    return node;
  };
  const element = (name, attributes = {}, parent = null, text = null) =>
    made(document.createElementNS(SVG, name), attributes, parent, text);
  const tag = (name, attributes = {}, parent = null, text = null) =>
    made(document.createElement(name), attributes, parent, text);

  /* Where a figure's image stood, and what the notebook wrote for it; without scripts the
     image stays. */
  const instead = (figure, name) => {
    const still = document.querySelector(`#${figure} img`);
    const root = tag("div", { id: name, class: "answering" });
    (still.closest("a") ?? still).replaceWith(root);
    return { root, data: JSON.parse(document.getElementById(`${name}-data`).textContent) };
  };

  /* A sheet is loaded once a reader comes near one of its images. */
  const near = new IntersectionObserver(
    (seen) => {
      for (const { isIntersecting, target } of seen) {
        if (!isIntersecting) continue;
        near.unobserve(target);
        target.firstChild.setAttribute("href", target.firstChild.dataset.sheet);
      }
    },
    { rootMargin: "600px" },
  );

  /* One of the small images of a sheet, which holds so many columns and rows of them. */
  const tile = (sheet, [columns, rows], [x, y], label, parent) => {
    const box = { viewBox: "0 0 28 28", role: "img", "aria-label": label, class: "tile" };
    const size = { width: 28 * columns, height: 28 * rows };
    const place = { "data-sheet": sheet.src, x: -28 * x, y: -28 * y };
    const svg = element("svg", box, parent);
    element("image", { ...place, ...size }, svg);
    near.observe(svg);
  };

  return { element, tag, instead, tile };
})();
