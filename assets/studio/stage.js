// The live picture; after a run also every step, and the sampler's path to the best one.
const figure = find("figure"), canvas = find("canvas"), scrub = find(".scrub"), play = find(".play"), graph = find(".graph");
const tick = find(".tick"), jumps = all(".jump");
const VIEWS = {
  frames: { title: "Optimisation step", at: (i) => `step ${i} of ${film.steps}${i === film.best ? ": result" : ""}` },
  states: { title: "Sampling step", at: (i) => `x_t, sampling step ${i + 1} of ${film.path.noise.length}, noise ${film.path.noise[i]}` },
  estimates: { title: "Sampling step", at: (i) => `predicted x_0, sampling step ${i + 1} of ${film.path.noise.length}, noise ${film.path.noise[i]}` },
};
let film = {}, pictures = {}, view = "frames", timer = null, shown = 0, turn = 0, left = 38;

// -- the curves ------------------------------------------------------------------------------------------------------
const series = () => (view === "frames" ? film.curves || {} : { "noise level": film.path.noise });
const label = (value) => (Math.abs(value) >= 10 ? value.toFixed(0) : value.toFixed(2));

const plot = () => {
  const lines = Object.entries(series()).filter(([, values]) => values.length);
  const unit = parseFloat(getComputedStyle(graph).fontSize), tall = document.documentElement.classList.contains("presenting");
  const width = graph.clientWidth || 400, height = tall ? Math.max(graph.clientHeight - 1.6 * unit, 90) : 170;
  const right = 8, top = Math.max(8, 0.6 * unit), bottom = 3 * unit;
  left = 3.4 * unit;
  const last = Math.max(view === "frames" ? film.steps || 1 : film.path.noise.length - 1, 1);
  const values = lines.flatMap(([, some]) => some);
  const low = Math.min(0, ...values), high = Math.max(...values, low + 1e-6);
  const x = (i) => left + ((width - left - right) * i) / last;
  const y = (value) => top + ((height - top - bottom) * (high - value)) / (high - low);
  const text = (at, up, content, anchor) => `<text x="${at}" y="${up}" text-anchor="${anchor}">${content}</text>`;
  const grid = lines.length ? [low, (low + high) / 2, high].map((value) =>
    `<line x1="${left}" x2="${width - right}" y1="${y(value)}" y2="${y(value)}" />` + text(left - 5, y(value) + unit / 3, label(value), "end")).join("") : "";
  const drawn = lines.map(([, some], k) =>
    `<polyline class="curve c${k}" points="${some.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(" ")}" />` +
    (some.length === 1 ? `<circle class="c${k}" cx="${x(0)}" cy="${y(some[0])}" r="3" />` : "")).join("");
  const marker = !scrub.disabled && lines.length ?
    `<line class="now" x1="${x(shown)}" x2="${x(shown)}" y1="${top}" y2="${height - bottom}" />` +
    lines.map(([, some], k) => some[shown] === undefined ? "" : `<circle class="c${k}" cx="${x(shown)}" cy="${y(some[shown])}" r="4" />`).join("") : "";
  // the step that the stopping rule chose
  const best = film.best, total = lines.length && view === "frames" ? lines[0][1][best] : undefined;
  const chosen = total === undefined ? "" :
    `<circle class="chosen" cx="${x(best)}" cy="${y(total)}" r="7" />` +
    text(x(best), Math.max(y(total) - 12, unit), "result", best > 0.85 * last ? "end" : best < 0.15 * last ? "start" : "middle");
  const ends = lines.length ? text(left, height - bottom + 1.3 * unit, view === "frames" ? 0 : 1, "middle") +
    text(width - right, height - bottom + 1.3 * unit, view === "frames" ? last : last + 1, "end") +
    text((left + width - right) / 2, height - bottom + 1.3 * unit, view === "frames" ? "optimisation step" : "sampling step", "middle") : "";
  const summary = lines.map(([name, some]) => `${name} from ${label(some[0])} to ${label(some[some.length - 1])}`).join("; ");
  const empty = lines.length ? "" : text(width / 2, height / 2, "Loss per step", "middle");
  // names come from the server's list of losses; textContent never parses them as markup
  const legend = document.createElement("p");
  legend.className = "legend";
  lines.forEach(([name], k) => {
    const entry = document.createElement("span");
    entry.className = `c${k}`;
    entry.textContent = name === "total" && lines.length === 1 ? "loss" : name;
    legend.append(entry);
  });
  graph.innerHTML = `<svg role="img" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}">${grid}${drawn}${marker}${chosen}${ends}${empty}</svg>`;
  graph.firstChild.setAttribute("aria-label", summary ? `Curves: ${summary}` : "No curves yet");
  graph.append(legend);
};

// -- the steps -------------------------------------------------------------------------------------------------------
const caption = (text) => { find(".caption").textContent = text; };

const show = (i) => {
  const some = pictures[view] || [];
  if (!some.length) return;
  shown = Math.min(Math.max(i, 0), some.length - 1);
  const text = VIEWS[view].at(shown);
  scrub.value = shown;
  scrub.setAttribute("aria-valuetext", text);
  find(".where").textContent = `${shown + (view === "frames" ? 0 : 1)} / ${view === "frames" ? film.steps : some.length}`;
  paint(canvas, some[shown], `Picture at ${text}`);
  caption(text);
  element.dataset.shown = `${view} ${shown}`;
  plot();
};

const rest = () => {
  clearInterval(timer);
  timer = null;
  element.classList.remove("playing");
  play.setAttribute("aria-label", "Play");
};

const run = () => {
  const some = pictures[view];
  if (shown >= some.length - 1) show(0);
  element.classList.add("playing");
  play.setAttribute("aria-label", "Pause");
  timer = setInterval(() => (shown >= some.length - 1 ? (rest(), view === "frames" && show(film.best)) : show(shown + 1)), Math.max(60, Math.min(250, 3000 / some.length)));
};

const choose = (name) => {
  rest();
  view = name;
  all(".views button").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.view === name)));
  const some = pictures[name] || [];
  scrub.max = Math.max(some.length - 1, 1);
  scrub.setAttribute("aria-label", VIEWS[name].title);
  tick.hidden = name !== "frames" || !some.length;
  tick.style.setProperty("--share", film.best / scrub.max);
  jumps.forEach((jump) => { jump.hidden = name !== "frames"; });
};

const ready = (on) => {
  [scrub, play, ...jumps, ...all(".views button")].forEach((control) => { control.disabled = !on; });
  tick.hidden = !on;
  if (on && !film.path) all(".views button:not([data-view=frames])").forEach((button) => { button.disabled = true; });
};

const update = async () => {
  const value = props.value || {}, mine = ++turn;
  if (value.frames) {
    const load = (some) => Promise.all((some || []).map(decode));
    const [frames, states, estimates] = await Promise.all([load(value.frames), load(value.path?.states), load(value.path?.estimates)]);
    if (mine !== turn) return; // a newer value arrived meanwhile
    find(".empty").hidden = true;
    film = value;
    pictures = { frames, states, estimates };
    ready(true);
    choose("frames");
    if (value.play && !still) { show(0); run(); } else show(film.best);
  } else {
    const picture = value.image ? await decode(value.image) : null;
    if (mine !== turn) return;
    ready(false);
    rest();
    view = "frames";
    film = { curves: value.curves || {}, steps: value.steps || 0 };
    find(".where").textContent = "";
    canvas.hidden = !picture;
    find(".empty").hidden = Boolean(picture);
    if (picture) paint(canvas, picture, `Picture: ${value.caption}`);
    caption(value.caption || "");
    element.dataset.shown = value.caption || "";
    element.dataset.drawn = Number(element.dataset.drawn || 0) + 1;
    plot();
  }
};

scrub.addEventListener("input", () => { rest(); show(Number(scrub.value)); });
jumps.forEach((jump) => jump.addEventListener("click", () => {
  rest();
  show(jump.dataset.jump === "best" ? film.best : pictures.frames.length - 1);
}));
play.addEventListener("click", () => (timer ? rest() : run()));
all(".views button").forEach((button) => button.addEventListener("click", () => {
  const other = (button.dataset.view === "frames") !== (view === "frames"); // both views of the sampler share a place
  choose(button.dataset.view);
  show(other ? (view === "frames" ? film.best : 0) : shown);
}));
const point = (event) => {
  if (scrub.disabled || !(event.buttons & 1)) return;
  const box = graph.firstChild.getBoundingClientRect();
  const share = (event.clientX - box.left - left) / (box.width - left - 8);
  rest();
  show(Math.round(share * (view === "frames" ? film.steps : film.path.noise.length - 1)));
};
graph.addEventListener("pointerdown", point);
graph.addEventListener("pointermove", point);
find(".full").addEventListener("click", () => (document.fullscreenElement ? document.exitFullscreen() : figure.requestFullscreen()));
new ResizeObserver(() => plot()).observe(graph);
watch("value", update);
update();
