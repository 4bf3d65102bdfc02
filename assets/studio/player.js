// The player of one run: before and after, its steps and its curve. All texts are set as text, none is parsed as markup.
const make = (name, attributes = {}, ...children) => {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
};
// an <svg> in its namespace, which the parser of HTML knows
const drawing = () => {
  const holder = make("div");
  holder.innerHTML = "<svg></svg>";
  return holder.firstChild;
};
const table = (rows) => make("table", {}, ...rows.map(([name, value]) => make("tr", {}, make("th", { scope: "row" }, name), make("td", {}, value))));
const picture = (source) => { const image = new Image(); image.src = source; return image; };

// root: an empty element; run: what studio.export.html puts into the page
const player = (root, run) => {
  const last = run.losses.length - 1, still = matchMedia("(prefers-reduced-motion: reduce)").matches;
  // without a picture of its own the start is that of step 0
  const before = make("canvas", { role: "img", "aria-label": "Picture before the run" }), start = run.before ? picture(run.before) : null;
  const canvas = make("canvas", { role: "img" }), after = picture(run.after), tiles = run.tiles ? picture(run.tiles.src) : null;
  const right = make("span", { class: "right" });
  const pair = make("div", { class: "pair" }, before, canvas, make("i"), make("span", { class: "left" }, "before"), right);
  const divide = make("input", { type: "range", min: 0, max: 100, value: 50, "aria-label": "Divider between before and after" });
  const step = make("input", { type: "range", min: 0, max: Math.max(last, 1), value: run.best, "aria-label": "Optimisation step" });
  const play = make("button", { type: "button" }, "Play"), graph = drawing();
  const where = make("p", { class: "soft", "aria-live": "off" });
  let shown = run.best, timer = null;

  // -- the curve
  const W = 420, H = 190, L = 46, R = 10, T = 12, B = 38;
  const low = Math.min(0, ...run.losses), high = Math.max(...run.losses, low + 1e-6);
  const x = (i) => L + ((W - L - R) * i) / Math.max(last, 1), y = (v) => T + ((H - T - B) * (high - v)) / (high - low);
  const shape = (name, attributes, text = "") => {
    const element = document.createElementNS(graph.namespaceURI, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    element.textContent = text;
    graph.append(element);
    return element;
  };
  graph.setAttribute("viewBox", `0 0 ${W} ${H}`);
  graph.setAttribute("role", "img");
  graph.setAttribute("aria-label", `Loss from ${run.losses[0].toPrecision(3)} to ${run.losses[run.best].toPrecision(3)} at step ${run.best}`);
  for (const value of [low, high]) {
    shape("line", { class: "axis", x1: L, x2: W - R, y1: y(value), y2: y(value) });
    shape("text", { x: L - 5, y: y(value) + 4, "text-anchor": "end" }, value.toPrecision(2));
  }
  shape("text", { x: L, y: H - 20, "text-anchor": "middle" }, "0");
  shape("text", { x: W - R, y: H - 20, "text-anchor": "end" }, last);
  shape("text", { x: (L + W) / 2, y: H - 5, "text-anchor": "middle" }, "loss at each optimisation step");
  shape("polyline", { class: "curve", points: run.losses.map((v, i) => `${x(i).toFixed(1)},${y(v).toFixed(1)}`).join(" ") });
  shape("circle", { class: "result", cx: x(run.best), cy: y(run.losses[run.best]), r: 7 });
  const now = shape("line", { class: "now", y1: T, y2: H - B }), dot = shape("circle", { r: 4 });

  // -- one step
  const draw = (place, source, columns, i) => {
    if (!source || !source.complete || !source.naturalWidth) return;
    const side = source.naturalWidth / columns;
    place.width = place.height = side;
    place.getContext("2d").drawImage(source, (i % columns) * side, Math.floor(i / columns) * side, side, side, 0, 0, side, side);
  };
  const paint = () => {
    start ? draw(before, start, 1, 0) : draw(before, tiles, run.tiles.columns, 0);
    shown === run.best || !tiles ? draw(canvas, after, 1, 0) : draw(canvas, tiles, run.tiles.columns, shown);
    root.dataset.painted = shown;
  };
  const show = (i) => {
    shown = Math.min(Math.max(i, 0), last);
    step.value = shown;
    const name = shown === run.best ? `step ${shown}: result` : `step ${shown} of ${last}`;
    right.textContent = shown === run.best ? "after" : `step ${shown}`;
    step.setAttribute("aria-valuetext", name);
    canvas.setAttribute("aria-label", `Picture at ${name}`);
    where.textContent = `${name}, loss ${run.losses[shown].toPrecision(3)}`;
    now.setAttribute("x1", x(shown));
    now.setAttribute("x2", x(shown));
    dot.setAttribute("cx", x(shown));
    dot.setAttribute("cy", y(run.losses[shown]));
    root.dataset.shown = shown;
    paint();
  };
  const rest = () => { clearInterval(timer); timer = null; play.textContent = "Play"; };
  const run_on = () => {
    show(shown >= last ? 0 : shown);
    play.textContent = "Pause";
    timer = setInterval(() => (shown >= last ? (rest(), show(run.best)) : show(shown + 1)), still ? 600 : 200);
  };
  const divideAt = (share) => { divide.value = share; pair.style.setProperty("--at", `${share}%`); };
  for (const image of [start, after, tiles].filter(Boolean)) image.addEventListener("load", paint);

  divide.addEventListener("input", () => divideAt(Number(divide.value)));
  step.addEventListener("input", () => { rest(); show(Number(step.value)); });
  play.addEventListener("click", () => (timer ? rest() : run_on()));
  const drag = (element, place) => {
    element.addEventListener("pointerdown", (event) => { element.setPointerCapture(event.pointerId); place(event); });
    element.addEventListener("pointermove", (event) => event.buttons & 1 && place(event));
  };
  const share = (element, event) => { const box = element.getBoundingClientRect(); return (event.clientX - box.left) / box.width; };
  drag(pair, (event) => divideAt(Math.round(100 * Math.min(Math.max(share(pair, event), 0), 1))));
  drag(graph, (event) => { rest(); show(Math.round((last * (share(graph, event) * W - L)) / (W - L - R))); });
  root.tabIndex = -1;
  root.addEventListener("keydown", (event) => {
    if (["INPUT", "BUTTON", "SUMMARY", "A"].includes(event.target.tagName) || event.ctrlKey || event.metaKey || event.altKey) return;
    const action = { ArrowRight: () => show(shown + 1), ArrowLeft: () => show(shown - 1), Home: () => show(0), End: () => show(last), " ": () => play.click() }[event.key];
    if (action) { event.preventDefault(); if (event.key !== " ") rest(); action(); }
  });

  const verdict = make("section", { class: `verdict ${run.verdict.kind}` }, make("strong", {}, run.verdict.headline));
  if (run.verdict.reason) verdict.append(make("p", {}, run.verdict.reason));
  if (run.verdict.rows.length) verdict.append(table(run.verdict.rows));
  const block = (name, ...content) => make("details", {}, make("summary", {}, name), ...content);
  if (last < 1) for (const control of [step, play]) control.disabled = true;
  root.classList.add("run");
  root.append(
    make("h1", {}, run.title), make("p", { class: "soft" }, run.subtitle),
    make("div", { class: "both" },
      make("div", {}, pair, make("label", {}, divide)),
      make("div", {}, graph, make("div", { class: "steps" }, play, make("label", {}, step)), where, verdict)),
    block("Measurements", table(run.numbers)), block("Settings", table(run.settings)),
    block("Citation", make("p", {}, run.citation), make("pre", {}, run.bibtex)), make("p", { class: "soft" }, run.note));
  divideAt(50);
  show(run.best);
  root.focus({ preventScroll: true });
};
