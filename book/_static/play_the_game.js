/* The game in the plane, to play with: book/play.py.

   The first part is mathematics: pure functions of plain numbers and arrays, the same
   as the library's, and tested against it. The second part draws and listens. */

"use strict";

const playTheGame = (() => {
  // Distances below this many radii touch.
  const TOUCH = 1e-12;
  // Areas below this many squared radii are none.
  const SMALLEST_AREA = 1e-13;

  const dot = (a, b) => a[0] * b[0] + a[1] * b[1];
  const length = (a) => Math.hypot(a[0], a[1]);
  const scale = (a, s) => [a[0] * s, a[1] * s];
  const add = (a, b) => [a[0] + b[0], a[1] + b[1]];

  /* f(x), the least of several linear functions, and its gradient. */
  function classify(pieces, x) {
    const values = pieces.map((piece) => dot(piece.normal, x) + piece.offset);
    const k = values.indexOf(Math.min(...values));
    return { logit: values[k], gradient: pieces[k].normal, piece: k };
  }

  /* Lemma 1: rows c.v + b >= 0; without a label no v satisfies a row. */
  function robustSets(points, attackEpsilon) {
    return points.map(({ logit, gradient }) => {
      const sign = Math.sign(logit);
      return {
        normal: scale(gradient, sign),
        offset:
          sign === 0 ? -Infinity : Math.abs(logit) - attackEpsilon * length(gradient),
      };
    });
  }

  /* The Fast Gradient Method; zero where there is no direction. */
  function fgm({ logit, gradient }, epsilon) {
    const size = length(gradient);
    return size === 0 ? [0, 0] : scale(gradient, (-epsilon * Math.sign(logit)) / size);
  }

  /* The attacker's utility, Eq. (1): landing on the boundary is no flip. */
  function utility({ logit, gradient }, attack, v) {
    const moved = logit + dot(gradient, attack) + dot(gradient, v);
    return logit !== 0 && Math.sign(logit) * moved >= 0 ? -1 : 1;
  }

  /* Which rows hold at v; none outside the ball. */
  function contains(rows, v, epsilon) {
    const inBall = length(v) <= epsilon * (1 + TOUCH);
    return rows.map((row) => inBall && dot(row.normal, v) + row.offset >= 0);
  }

  /* phi_n(v), Eq. (5). */
  function coverage(rows, v, epsilon) {
    return contains(rows, v, epsilon).filter(Boolean).length / rows.length;
  }

  /* Rows of the unit disc: unit normals, or zero where the offset alone decides. */
  function unitRows(rows, epsilon) {
    return rows.map(({ normal, offset }) => {
      const size = length(normal);
      if (size === 0 || offset === -Infinity || epsilon === 0) {
        return { normal: [0, 0], offset: offset >= 0 ? 1 : -1 };
      }
      return { normal: scale(normal, 1 / size), offset: offset / (size * epsilon) };
    });
  }

  /* Where boundary lines meet the circle and each other, inside the unit disc. */
  function corners(unit) {
    const lines = unit.filter(
      ({ normal, offset }) => length(normal) > 0 && Math.abs(offset) <= 1
    );
    const found = [];
    lines.forEach(({ normal: [a, b], offset }, i) => {
      const half = Math.sqrt(Math.max(1 - offset * offset, 0));
      found.push([-offset * a - half * b, -offset * b + half * a]);
      found.push([-offset * a + half * b, -offset * b - half * a]);
      lines.slice(0, i).forEach(({ normal: [c, d], offset: other }) => {
        const determinant = a * d - b * c;
        if (Math.abs(determinant) < TOUCH) return;
        const x = (b * other - d * offset) / determinant;
        const y = (c * offset - a * other) / determinant;
        if (Math.hypot(x, y) <= 1 + TOUCH) found.push([x, y]);
      });
    });
    return found;
  }

  const holds = (unit, point) =>
    unit.map(({ normal, offset }) => dot(normal, point) + offset >= -TOUCH);

  /* The part of the unit disc where some rows hold: corners in order, and arcs. */
  function outline(unit, vertices) {
    const inside = (point) => holds(unit, point).every(Boolean);
    const kept = [];
    vertices.filter(inside).forEach((point) => {
      if (!kept.some((other) => Math.hypot(point[0] - other[0], point[1] - other[1]) < 1e-9)) {
        kept.push(point);
      }
    });
    if (kept.length === 0) return { edges: [], area: Math.PI, middle: [0, 0] };
    const middle = scale(kept.reduce(add), 1 / kept.length);
    const angle = (p, from = [0, 0]) => Math.atan2(p[1] - from[1], p[0] - from[0]);
    kept.sort((p, q) => angle(p, middle) - angle(q, middle));
    const edges = kept.map((start, k) => {
      const end = kept[(k + 1) % kept.length];
      const turn = (angle(end) - angle(start) + 4 * Math.PI) % (2 * Math.PI) || 2 * Math.PI;
      const half = angle(start) + turn / 2;
      const onCircle = [start, end].every((p) => Math.abs(length(p) - 1) < 1e-9);
      const arc = onCircle && inside([Math.cos(half), Math.sin(half)]);
      return { start, end, turn: arc ? turn : 0 };
    });
    const area = edges.reduce(
      (sum, { start: [x, y], end: [z, w], turn }) =>
        sum + (x * w - y * z + turn - Math.sin(turn)) / 2,
      0
    );
    // Arcs bulge: their middles lead off the chord and into the part.
    const bulges = edges
      .filter(({ turn }) => turn > 0)
      .map(({ start, turn }) => angle(start) + turn / 2)
      .map((half) => [Math.cos(half), Math.sin(half)]);
    const around = [...kept, ...bulges];
    return { edges, area, middle: scale(around.reduce(add), 1 / around.length) };
  }

  /* V*: every part of the disc where most rows hold, the largest first. */
  function maximizers(rows, epsilon) {
    const unit = unitRows(rows, epsilon);
    const vertices = epsilon > 0 ? corners(unit) : [];
    const groups = new Map();
    let count = -1;
    [[0, 0], ...vertices].forEach((point) => {
      const satisfied = holds(unit, point);
      const number = satisfied.filter(Boolean).length;
      if (number < count) return;
      if (number > count) groups.clear();
      count = number;
      groups.set(satisfied.map(Number).join(""), satisfied);
    });
    const parts = [...groups.values()].map((satisfied) => {
      const held = unit.filter((row, k) => satisfied[k]);
      const crossing = unit.filter((row, k) => satisfied[k] && length(row.normal) > 0);
      const region = outline(held, corners(crossing));
      const area = epsilon > 0 && region.area > SMALLEST_AREA ? region.area : 0;
      return {
        satisfied,
        area: area * epsilon * epsilon,
        point: scale(region.middle, epsilon),
        edges: region.edges,
      };
    });
    parts.sort((a, b) => b.area - a.area);
    return { count, phi: count / rows.length, value: 1 - (2 * count) / rows.length, parts };
  }

  /* Everything that the picture shows. */
  function solve(points, epsilon, attackEpsilon, v) {
    const rows = robustSets(points, attackEpsilon);
    const best = maximizers(rows, epsilon);
    const attacks = points.map((point) => fgm(point, attackEpsilon));
    // Where V* has no area, rounding decides whether its point is in the sets that meet
    // there; at this point, up to a touch, they count as they meet.
    const meeting = best.parts.find(
      ({ area, point }) =>
        area === 0 && Math.hypot(v[0] - point[0], v[1] - point[1]) <= TOUCH * epsilon
    );
    const utilities = points.map((point, k) =>
      meeting ? (meeting.satisfied[k] ? -1 : 1) : utility(point, attacks[k], v)
    );
    const now = utilities.reduce((a, b) => a + b, 0) / points.length;
    const held = utilities.filter((one) => one < 0).length;
    const gain = (2 * (best.count - held)) / points.length;
    return { rows, best, attacks, utilities, now, gain };
  }

  return {
    classify,
    robustSets,
    fgm,
    utility,
    contains,
    coverage,
    maximizers,
    outline,
    corners,
    unitRows,
    solve,
  };
})();

if (typeof module !== "undefined") module.exports = playTheGame;

/* --- the picture -------------------------------------------------------------- */

const drawTheGame = (root, game) => {
  const SVG = "http://www.w3.org/2000/svg";
  const GREEN = "#009E73";
  const ORANGE = "#D55E00";
  const BLUE = "#0072B2";
  const LINES = ["#D55E00", "#0072B2", "#B8860B", "#56B4E9", "#CC79A7", "#000000"];
  const HALF = 3.6; // half the width of the map, in units of the inputs
  const RIM = 1.12; // half the width of the disc, in radii

  const initial = JSON.stringify(game);
  let state = JSON.parse(initial);

  const element = (name, attributes = {}, parent = null, text = null) => {
    const made = document.createElementNS(SVG, name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    if (text !== null) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  };
  const tag = (name, attributes = {}, parent = null, text = null) => {
    const made = document.createElement(name);
    Object.entries(attributes).forEach(([key, value]) => made.setAttribute(key, value));
    if (text !== null) made.textContent = text;
    if (parent) parent.append(made);
    return made;
  };

  /* A drawing whose second axis points up. */
  const drawing = (half, label, parent) => {
    const svg = element(
      "svg",
      { viewBox: `${-half} ${-half} ${2 * half} ${2 * half}`, "aria-label": label, role: "group" },
      parent
    );
    const layer = element("g", { transform: "scale(1 -1)" }, svg);
    return { svg, back: element("g", {}, layer), front: element("g", {}, layer) };
  };

  const panels = tag("div", { class: "play-panels" }, root);
  const left = tag("figure", {}, panels);
  const map = drawing(HALF, "The inputs and the decision boundary", left);
  tag("figcaption", {}, left, "Inputs, V around each, R(x) in green, FGM as an arrow");
  const right = tag("figure", {}, panels);
  const disc = drawing(RIM, "The defender's ball V", right);
  tag("figcaption", {}, right, "V, a line for each input, V* in green, your v");
  const controls = tag("div", { class: "play-controls" }, root);
  const summary = tag("p", { class: "play-summary", role: "status" }, root);
  const table = tag("table", { class: "table" }, root);

  const slider = (key, text) => {
    const label = tag("label", {}, controls, `${text} `);
    const input = tag(
      "input",
      { type: "range", min: "0.1", max: "2", step: "0.05", "data-budget": key },
      label
    );
    const shown = tag("span", {}, label);
    input.addEventListener("input", () => {
      state[key] = Number(input.value);
      if (state.linked) state.epsilon = state.attackEpsilon = state[key];
      draw();
    });
    return () => {
      input.value = state[key];
      shown.textContent = ` ${state[key].toFixed(2)}`;
    };
  };
  const showDefender = slider("epsilon", "budget of the defender");
  const showAttacker = slider("attackEpsilon", "budget of the attacker");
  const linkLabel = tag("label", {}, controls);
  const link = tag("input", { type: "checkbox" }, linkLabel);
  linkLabel.append(" the same for both");
  link.addEventListener("change", () => {
    state.linked = link.checked;
    if (state.linked) state.attackEpsilon = state.epsilon;
    draw();
  });
  const button = (text, action) => {
    const made = tag("button", { type: "button" }, controls, text);
    made.addEventListener("click", () => {
      action();
      draw();
    });
  };
  button("move v into V*", () => {
    state.v = now().solved.best.parts[0].point;
  });
  button("start again", () => {
    state = JSON.parse(initial);
  });

  /* A handle: by mouse, pen and finger, and by arrow keys. */
  const handle = (panel, radius, get, set) => {
    const group = element(
      "g",
      { tabindex: "0", role: "button", class: "play-handle", "aria-roledescription": "movable point" },
      panel.front
    );
    // What a finger can hit is wider than what is seen.
    element("circle", { r: 2.2 * radius, fill: "transparent" }, group);
    const dot = element("circle", { r: radius, class: "play-dot" }, group);
    const move = (x, y) => {
      set([x, y]);
      draw();
    };
    group.addEventListener("pointerdown", (event) => {
      group.setPointerCapture(event.pointerId);
      group.focus({ preventScroll: true });
      event.preventDefault();
    });
    // A finger on a handle drags it; anywhere else it scrolls the page. Browsers heed
    // touch-action on the whole picture only, which would take scrolling away there.
    group.addEventListener("touchstart", (event) => event.preventDefault(), { passive: false });
    group.addEventListener("pointermove", (event) => {
      if (!group.hasPointerCapture(event.pointerId)) return;
      const place = new DOMPoint(event.clientX, event.clientY).matrixTransform(
        panel.front.getScreenCTM().inverse()
      );
      move(place.x, place.y);
    });
    group.addEventListener("keydown", (event) => {
      const steps = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
      if (!(event.key in steps)) return;
      const size = event.shiftKey ? 0.25 : 0.05;
      const [x, y] = get();
      move(x + size * steps[event.key][0], y + size * steps[event.key][1]);
      event.preventDefault();
    });
    return { group, dot };
  };

  const clamp = (value) => Math.max(-HALF + 0.2, Math.min(HALF - 0.2, value));
  const inBall = (v) => {
    const size = Math.hypot(...v);
    return size > state.epsilon ? v.map((x) => (x * state.epsilon * (1 - 1e-14)) / size) : v;
  };
  const pointHandles = state.points.map((_, k) => {
    const made = handle(
      map,
      0.17,
      () => state.points[k].at,
      (at) => {
        state.points[k].at = at.map(clamp);
      }
    );
    const text = element(
      "text",
      { transform: "scale(1 -1)", "font-size": "0.24", "text-anchor": "middle", dy: "0.085", fill: "white" },
      made.group,
      state.points[k].name
    );
    return { ...made, text };
  });
  const vHandle = handle(
    disc,
    0.045,
    () => state.v.map((x) => x / state.epsilon),
    (at) => {
      state.v = inBall(at.map((x) => x * state.epsilon));
    }
  );

  /* What the state comes to. */
  const now = () => {
    state.v = inBall(state.v);
    const points = state.points.map(({ at }) => playTheGame.classify(state.pieces, at));
    const { epsilon, attackEpsilon, v } = state;
    return { points, solved: playTheGame.solve(points, epsilon, attackEpsilon, v) };
  };

  /* A part of the unit disc as a path. */
  const path = (edges) => {
    if (edges.length < 2) return "M 1 0 A 1 1 0 0 1 -1 0 A 1 1 0 0 1 1 0 Z";
    const steps = edges.map(({ end, turn }) =>
      turn > 0 ? `A 1 1 0 ${turn > Math.PI ? 1 : 0} 1 ${end.join(" ")}` : `L ${end.join(" ")}`
    );
    return `M ${edges[0].start.join(" ")} ${steps.join(" ")} Z`;
  };

  const segment = (from, to, parent, attributes) =>
    element("line", { x1: from[0], y1: from[1], x2: to[0], y2: to[1], ...attributes }, parent);

  /* Where a linear function is zero, across a square, as two ends. */
  const zeroLine = ({ normal, offset }, half) => {
    const size = Math.hypot(...normal);
    const foot = normal.map((x) => (-offset * x) / (size * size));
    const along = [(-normal[1] / size) * 3 * half, (normal[0] / size) * 3 * half];
    return [foot.map((x, k) => x - along[k]), foot.map((x, k) => x + along[k])];
  };

  /* The corners of where all pieces are at least zero: the decision boundary. */
  const boundary = () => {
    const found = [];
    state.pieces.forEach((p, i) =>
      state.pieces.slice(0, i).forEach((q) => {
        const determinant = p.normal[0] * q.normal[1] - p.normal[1] * q.normal[0];
        if (Math.abs(determinant) < 1e-9) return;
        const at = [
          (p.normal[1] * q.offset - q.normal[1] * p.offset) / determinant,
          (q.normal[0] * p.offset - p.normal[0] * q.offset) / determinant,
        ];
        if (Math.abs(playTheGame.classify(state.pieces, at).logit) < 1e-9) found.push(at);
      })
    );
    return found.sort((a, b) => Math.atan2(a[1], a[0]) - Math.atan2(b[1], b[0]));
  };

  const drawMap = (points, solved) => {
    map.back.replaceChildren();
    element(
      "polygon",
      {
        points: boundary().map((p) => p.join(",")).join(" "),
        fill: "#eef3f8",
        stroke: "black",
        "stroke-width": 0.03,
        "stroke-dasharray": "0.15 0.1",
      },
      map.back
    );
    points.forEach((point, k) => {
      const at = state.points[k].at;
      const place = element("g", { transform: `translate(${at.join(" ")})` }, map.back);
      const unit = element("g", { transform: `scale(${state.epsilon})` }, place);
      const own = playTheGame.maximizers([solved.rows[k]], state.epsilon);
      if (own.count === 1 && own.parts[0].area > 0) {
        element("path", { d: path(own.parts[0].edges), fill: GREEN, "fill-opacity": 0.4 }, unit);
      }
      element("circle", { r: state.epsilon, fill: "none", stroke: "#777", "stroke-width": 0.02 }, place);
      const a = solved.attacks[k];
      const size = Math.hypot(...a) || 1;
      segment([0, 0], a, place, { stroke: ORANGE, "stroke-width": 0.05 });
      const back = a.map((x) => x - (0.16 * x) / size);
      const side = [(-a[1] / size) * 0.09, (a[0] / size) * 0.09];
      const tip = [a, [back[0] + side[0], back[1] + side[1]], [back[0] - side[0], back[1] - side[1]]];
      element("polygon", { points: tip.map((p) => p.join(",")).join(" "), fill: ORANGE }, place);
      const end = [a[0] + state.v[0], a[1] + state.v[1]];
      segment(a, end, place, { stroke: GREEN, "stroke-width": 0.04, "stroke-dasharray": "0.08 0.05" });
      const kept = solved.utilities[k] < 0;
      element(
        "circle",
        { cx: end[0], cy: end[1], r: 0.09, fill: kept ? GREEN : "white", stroke: kept ? GREEN : ORANGE, "stroke-width": 0.05 },
        place
      );
      pointHandles[k].group.setAttribute("transform", `translate(${at.join(" ")})`);
      pointHandles[k].dot.setAttribute("fill", point.logit >= 0 ? BLUE : "#444444");
      pointHandles[k].group.setAttribute(
        "aria-label",
        `input ${state.points[k].name} at ${at.map((x) => x.toFixed(2)).join(", ")}; ` +
          `${kept ? "keeps" : "loses"} its label; arrow keys move it`
      );
    });
  };

  const drawDisc = (solved) => {
    disc.back.replaceChildren();
    solved.best.parts.forEach(({ area, edges, point }) => {
      if (area > 0) {
        element("path", { d: path(edges), fill: GREEN, "fill-opacity": 0.5 }, disc.back);
      } else {
        const at = point.map((x) => x / state.epsilon);
        element("circle", { cx: at[0], cy: at[1], r: 0.03, fill: GREEN }, disc.back);
      }
    });
    const clip = element("clipPath", { id: "play-disc" }, disc.back);
    element("circle", { r: 1 }, clip);
    const inner = element("g", { "clip-path": "url(#play-disc)" }, disc.back);
    playTheGame.unitRows(solved.rows, state.epsilon).forEach((row, k) => {
      const { normal, offset } = row;
      if (Math.hypot(...normal) === 0 || Math.abs(offset) > 1) return;
      const color = LINES[k % LINES.length];
      const [from, to] = zeroLine(row, 1);
      segment(from, to, inner, { stroke: color, "stroke-width": 0.014 });
      for (let share = 0.02; share < 1; share += 0.02) {
        const start = from.map((x, j) => x + share * (to[j] - x));
        const end = start.map((x, j) => x + 0.04 * normal[j]);
        segment(start, end, inner, { stroke: color, "stroke-width": 0.008 });
      }
      const half = Math.sqrt(1 - offset * offset);
      const at = [-offset * normal[0] - half * normal[1], -offset * normal[1] + half * normal[0]];
      element(
        "text",
        { x: 1.06 * at[0], y: -1.06 * at[1], transform: "scale(1 -1)", "font-size": 0.09, "text-anchor": "middle", dy: 0.03, fill: color },
        disc.back,
        state.points[k].name
      );
    });
    element("circle", { r: 1, fill: "none", stroke: "black", "stroke-width": 0.01 }, disc.back);
    const v = state.v.map((x) => x / state.epsilon);
    vHandle.group.setAttribute("transform", `translate(${v.join(" ")})`);
    vHandle.dot.setAttribute("fill", "black");
    vHandle.group.setAttribute(
      "aria-label",
      `your v at ${state.v.map((x) => x.toFixed(2)).join(", ")}; arrow keys move it`
    );
  };

  const write = (points, solved) => {
    const { best } = solved;
    const n = points.length;
    const held = solved.utilities.filter((u) => u < 0).length;
    const parts = best.parts.length === 1 ? "one part" : `${best.parts.length} parts`;
    const area = best.parts.reduce((sum, part) => sum + part.area, 0);
    summary.textContent =
      `Value of the game: ${best.value.toFixed(2)} for the attacker, ` +
      `with max phi = ${best.count}/${n}. V* has ${parts}, area ${area.toFixed(3)}. ` +
      `Your v is in ${held} of ${n} robust sets: the attacker gets ${solved.now.toFixed(2)}. ` +
      (solved.gain > 0
        ? `You gain ${solved.gain.toFixed(2)} by moving into V*.`
        : "Neither player gains by leaving: an equilibrium.");
    table.replaceChildren();
    const head = tag("tr", {}, tag("thead", {}, table));
    ["input", "f(x)", "margin", "R(x) in V", "with FGM and v", "scored with f itself"].forEach(
      (text) => tag("th", { scope: "col" }, head, text)
    );
    const body = tag("tbody", {}, table);
    points.forEach((point, k) => {
      const at = state.points[k].at;
      const moved = at.map((x, j) => x + solved.attacks[k][j] + state.v[j]);
      const sign = Math.sign(point.logit);
      const own = playTheGame.maximizers([solved.rows[k]], state.epsilon);
      const share = own.count === 1 ? own.parts[0].area / (Math.PI * state.epsilon ** 2) : 0;
      const keeps = sign * playTheGame.classify(state.pieces, moved).logit >= 0 && sign !== 0;
      const row = tag("tr", {}, body);
      [
        state.points[k].name,
        point.logit.toFixed(2),
        (Math.abs(point.logit) / Math.hypot(...point.gradient)).toFixed(2),
        `${(100 * share).toFixed(0)}%`,
        solved.utilities[k] < 0 ? "kept" : "lost",
        keeps ? "kept" : "lost",
      ].forEach((text) => tag("td", {}, row, text));
    });
  };

  const draw = () => {
    const { points, solved } = now();
    showDefender();
    showAttacker();
    link.checked = state.linked;
    drawMap(points, solved);
    drawDisc(solved);
    write(points, solved);
    root.dataset.value = solved.best.value;
    root.dataset.state = JSON.stringify(state);
  };
  draw();
};

if (typeof document !== "undefined") {
  const root = document.getElementById("play-the-game");
  const data = document.getElementById("play-the-game-data");
  if (root && data) drawTheGame(root, JSON.parse(data.textContent));
}
