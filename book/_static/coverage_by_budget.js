/* Coverage against the budget, with its certified band: book/the_algorithm.py. */

"use strict";

(() => {
  const { element, tag, instead, tile } = pictureParts;
  const { root, data } = instead("fig-certified-bands", "coverage_by_budget");
  const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [320, 200, 38, 10, 18, 34];
  const LINES = [
    { key: "none", color: "#000000", dash: "2 3", text: "without a defense" },
    { key: "ramp", color: "#D55E00", dash: "7 3", text: "SMOOTH, the ascent of the paper" },
    { key: "lower", color: "#0072B2", dash: "", text: "the search" },
    { key: "upper", color: "#0072B2", dash: "1 2", text: "no defense more than" },
  ];
  const sheet = document.querySelector("#fig-budget-images img");
  const multiples = data[0].points.map(({ multiple }) => multiple);
  const [least, most] = [multiples[0], multiples.at(-1)];
  let place = multiples.findIndex((multiple) => multiple >= 1);

  /* In percent, to one decimal: what is covered to the nearest, a bound never downward. */
  const percent = (share, key) => {
    const tenths = 1000 * share;
    const whole = key === "upper" ? Math.ceil(tenths - 1e-9) : Math.floor(tenths + 0.5 + 1e-9);
    return `${(whole / 10).toFixed(1)} %`;
  };
  const across = (multiple) =>
    LEFT + ((WIDTH - LEFT - RIGHT) * (multiple - least)) / (most - least);
  const up = (share) => HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share;
  const name = ({ instance: { dataset, classes } }) =>
    `${dataset === "mnist" ? "MNIST" : "Fashion-MNIST"}, ${classes.join(" against ")}`;

  const axes = (svg) => {
    const thin = { stroke: "#cccccc", "stroke-width": 1 };
    [0, 0.5, 1].forEach((share) => {
      const y = up(share);
      element("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y, y2: y, ...thin }, svg);
      const at = { x: LEFT - 4, y: y + 4, "text-anchor": "end" };
      element("text", at, svg, `${100 * share}%`);
    });
    [0.5, 0.75, 1, 1.25].forEach((multiple) => {
      const at = { x: across(multiple), y: HEIGHT - BOTTOM + 14, "text-anchor": "middle" };
      element("text", at, svg, multiple);
    });
    const middle = { x: (LEFT + WIDTH - RIGHT) / 2, y: HEIGHT - 5, "text-anchor": "middle" };
    element("text", middle, svg, "budget in median margins");
  };

  const controls = tag("div", { class: "play-controls" }, root);
  const label = tag("label", {}, controls, "budget of both players ");
  const slider = tag("input", { type: "range", min: 0, max: multiples.length - 1 }, label);
  const chosen = tag("span", {}, label);
  slider.addEventListener("input", () => go(Number(slider.value)));

  const panels = tag("div", { class: "play-panels" }, root);
  const shown = data.map((curve, row) => {
    const panel = tag("div", {}, panels);
    const svg = element(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": name(curve) },
      panel
    );
    axes(svg);
    element("text", { x: LEFT, y: 11, "font-weight": "bold" }, svg, name(curve));
    const { points } = curve;
    const path = (key) => points.map((one) => `${across(one.multiple)},${up(one[key])}`);
    const band = [...path("lower"), ...path("upper").reverse()].join(" ");
    element("polygon", { points: band, fill: "#56B4E9", "fill-opacity": 0.4 }, svg);
    LINES.forEach(({ key, color, dash }) => {
      const look = { fill: "none", stroke: color, "stroke-width": 1.8, "stroke-dasharray": dash };
      element("polyline", { points: path(key).join(" "), ...look }, svg);
    });
    const cursor = element("line", { y1: TOP, y2: HEIGHT - BOTTOM, stroke: "#555555" }, svg);
    const dots = LINES.map(({ color }) => element("circle", { r: 3.5, fill: color }, svg));

    // A finger or the mouse points at a budget; up and down a finger scrolls the page.
    const point = ({ clientX }) => {
      const { left, width } = svg.getBoundingClientRect();
      const at = ((clientX - left) * WIDTH) / width;
      const off = multiples.map((multiple) => Math.abs(across(multiple) - at));
      go(off.indexOf(Math.min(...off)));
    };
    svg.addEventListener("pointerdown", (event) => {
      svg.setPointerCapture(event.pointerId);
      point(event);
    });
    svg.addEventListener("pointermove", (event) => {
      if (svg.hasPointerCapture(event.pointerId)) point(event);
    });

    const head = tag("p", {}, panel);
    const list = tag("ul", {}, panel);
    const numbers = LINES.map(({ color, dash, text }) => {
      const item = tag("li", {}, list);
      const swatch = element("svg", { viewBox: "0 0 24 8", class: "swatch" }, item);
      const look = { stroke: color, "stroke-width": 3, "stroke-dasharray": dash };
      element("line", { x1: 0, x2: 24, y1: 4, y2: 4, ...look }, swatch);
      item.append(`${text} `);
      return tag("strong", {}, item);
    });
    const images = sheet && tag("div", { class: "tiles" }, panel);
    return { curve, row, cursor, dots, head, numbers, images };
  });

  const draw = ({ curve, row, cursor, dots, head, numbers, images }) => {
    const at = curve.points[place];
    cursor.setAttribute("x1", across(at.multiple));
    cursor.setAttribute("x2", across(at.multiple));
    LINES.forEach(({ key }, k) => {
      dots[k].setAttribute("cx", across(at.multiple));
      dots[k].setAttribute("cy", up(at[key]));
      numbers[k].textContent = percent(at[key], key);
    });
    head.textContent = `${name(curve)}, at ${at.epsilon.toFixed(2)} pixels:`;
    images?.replaceChildren();
    (images ? ["v, SMOOTH", "v, search"] : []).forEach((text, k) => {
      const box = tag("span", {}, images);
      tile(sheet, [multiples.length, 2 * data.length], [place, 2 * row + k], `${name(curve)}: ${text}`, box);
      box.append(text);
    });
    const said = LINES.map(({ key, text }) => `${text} ${percent(at[key], key)}`);
    return `${head.textContent} ${said.join(", ")}`;
  };

  const go = (next) => {
    place = next;
    const said = shown.map(draw);
    slider.value = place;
    chosen.textContent = ` ${multiples[place].toFixed(2)} median margins`;
    slider.setAttribute("aria-valuetext", `${chosen.textContent.trim()}. ${said.join(". ")}.`);
    root.dataset.place = place;
  };
  go(place);
})();
