/* Every pair of classes on one map, and what both players do to it: book/all_pairs.py. */

"use strict";

(() => {
  const { element, tag, instead, tile } = pictureParts;
  const { root, data } = instead("fig-all-pairs-maps", "pair_map");
  const sheet = document.querySelector("#fig-all-pairs-views img");
  const SCALE = ["#440154", "#3b528b", "#21918c", "#5ec962", "#fde725"];
  const [LEFT, TOP, CELL] = [23, 10, 10];
  let [play, row, column] = [2, 3, 8];

  const channels = (color) => [1, 3, 5].map((k) => parseInt(color.slice(k, k + 2), 16));
  /* The color of a percentage, and black or white, whichever is read better on it. */
  const colors = (value) => {
    const k = Math.min(Math.floor(value / 25), SCALE.length - 2);
    const [low, high] = [SCALE[k], SCALE[k + 1]].map(channels);
    const mixed = low.map((one, j) => one + (high[j] - one) * (value / 25 - k));
    const light = mixed
      .map((one) => (one / 255) ** 2.2)
      .reduce((sum, one, j) => sum + one * [0.2126, 0.7152, 0.0722][j], 0);
    return [`rgb(${mixed.map(Math.round).join(" ")})`, light > 0.18 ? "black" : "white"];
  };

  /* MNIST above the diagonal, Fashion-MNIST below. */
  const pairAt = (r, c) => {
    const set = data.sets[r < c ? 0 : 1];
    const [first, second] = [Math.min(r, c), Math.max(r, c)];
    const names = [set.classes[first], set.classes[second]];
    const title = `${set.name}, ${names.join(" against ")}`;
    return { names, title, ...set.pairs[`${first}-${second}`] };
  };
  const percent = (value) => `${value.toFixed(1)} %`;

  const controls = tag("div", { class: "play-controls" }, root);
  const label = tag("label", {}, controls, "approximate accuracy under ");
  const choice = tag("select", {}, label);
  data.plays.forEach((text, k) => tag("option", { value: k }, choice, text));
  choice.value = play;
  choice.addEventListener("change", () => {
    play = Number(choice.value);
    draw();
  });

  const panels = tag("div", { class: "play-panels" }, root);
  const map = element(
    "svg",
    {
      viewBox: `0 0 ${LEFT + 10 * CELL + 6} ${TOP + 10 * CELL + 24}`,
      role: "grid",
      "aria-label": "Pairs of classes, MNIST above the diagonal, Fashion-MNIST below",
    },
    tag("div", {}, panels)
  );
  const words = element("g", { "aria-hidden": true, "font-size": 4 }, map);
  const [digits, things] = data.sets.map(({ classes }) => classes);
  digits.forEach((digit, k) => {
    const middle = (k + 0.5) * CELL;
    const onTop = { x: LEFT + middle, y: TOP - 2, "text-anchor": "middle" };
    if (k > 0) element("text", onTop, words, digit);
    if (k < 9) element("text", { x: LEFT + 10 * CELL + 2, y: TOP + middle + 1.5 }, words, digit);
    const [x, y] = [LEFT + middle + 1.5, TOP + 10 * CELL + 2];
    const turned = { transform: `translate(${x} ${y}) rotate(-90)`, "text-anchor": "end" };
    if (k < 9) element("text", turned, words, things[k]);
    const beside = { x: LEFT - 2, y: TOP + middle + 1.5, "text-anchor": "end" };
    if (k > 0) element("text", beside, words, things[k]);
  });
  const cells = new Map();
  for (let r = 0; r < 10; r += 1) {
    const line = element("g", { role: "row" }, map);
    for (let c = 0; c < 10; c += 1) {
      if (r === c) continue;
      const at = `translate(${LEFT + c * CELL} ${TOP + r * CELL})`;
      const cell = element("g", { role: "gridcell", transform: at }, line);
      const box = { x: 0.3, y: 0.3, width: CELL - 0.6, height: CELL - 0.6 };
      const rect = element("rect", box, cell);
      const middle = { x: CELL / 2, y: CELL / 2 + 1.6, "text-anchor": "middle", "font-size": 4.4 };
      cells.set(`${r} ${c}`, { cell, rect, text: element("text", middle, cell) });
      cell.addEventListener("click", () => go(r, c));
    }
  }
  map.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] };
    if (!(event.key in steps)) return;
    event.preventDefault();
    const [down, right] = steps[event.key];
    let [r, c] = [row + down, column + right];
    if (r === c) [r, c] = [r + down, c + right]; // over the diagonal
    if (cells.has(`${r} ${c}`)) go(r, c);
  });

  const details = tag("div", {}, panels);
  const heading = tag("p", {}, details);
  const table = tag("table", { class: "table" }, details);
  const images = tag("div", { class: "tiles" }, details);
  const said = tag("p", {}, details);

  const showPair = () => {
    const { names, title, numbers, view } = pairAt(row, column);
    heading.replaceChildren(tag("strong", {}, null, title));
    table.replaceChildren();
    const head = tag("tr", {}, tag("thead", {}, table));
    ["accuracy", "approximate", "true"].forEach((text) => tag("th", { scope: "col" }, head, text));
    const body = tag("tbody", {}, table);
    numbers.forEach(([truth, approximate], k) => {
      const line = tag("tr", {}, body);
      tag("th", { scope: "row" }, line, data.plays[k]);
      [approximate, truth].forEach((value) => tag("td", {}, line, percent(value)));
    });
    images.replaceChildren();
    said.textContent = "";
    if (!view || !sheet) return;
    ["x", "a", "x + a", "v", "x + a + v"].forEach((text, k) => {
      const box = tag("span", {}, images);
      tile(sheet, [50, 10], [10 * k + column, row], `${text}: ${title}`, box);
      box.append(text);
    });
    const [[f, fa, fav], [, ta, tav]] = [view.logits, view.tangent].map((signs) =>
      signs.map((sign) => names[sign < 0 ? 0 : 1])
    );
    said.textContent =
      `f calls x ${f}. With a of FGM the tangent says ${ta} and f ${fa}; ` +
      `with v of SMOOTH as well the tangent says ${tav} and f ${fav}.`;
  };

  const draw = () => {
    cells.forEach(({ cell, rect, text }, place) => {
      const [r, c] = place.split(" ").map(Number);
      const { title, numbers } = pairAt(r, c);
      const value = numbers[play][1];
      const [fill, ink] = colors(value);
      const isHere = r === row && c === column;
      rect.setAttribute("fill", fill);
      text.setAttribute("fill", ink);
      text.textContent = Math.round(value);
      cell.setAttribute("tabindex", isHere ? 0 : -1);
      cell.setAttribute("aria-selected", isHere);
      const all = numbers.map(([, one], k) => `${data.plays[k]} ${percent(one)}`);
      cell.setAttribute("aria-label", `${title}: ${all.join("; ")}`);
    });
    showPair();
    root.dataset.pair = `${row} ${column}`;
  };

  const go = (r, c) => {
    [row, column] = [r, c];
    draw();
    cells.get(`${r} ${c}`).cell.focus({ preventScroll: true });
  };
  draw();
})();
