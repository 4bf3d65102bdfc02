// A brush on the model's input. The painted cells, 32 x 32 bits, are sent as base64 for URLs after every stroke.
const SIDE = 32, canvas = find("canvas"), context = canvas.getContext("2d"), cell = canvas.width / SIDE;
let states = [""]; // the server's cells, then those that were sent and have not come back
let cells = new Uint8Array(SIDE * SIDE), image = null, shown = "", erasing = false, large = false, last = null, cursor = null;

const packed = () => {
  if (!cells.some(Boolean)) return "";
  const bytes = Array.from({ length: cells.length / 8 }, (_, i) => cells.subarray(8 * i, 8 * i + 8).reduce((sum, bit) => 2 * sum + bit, 0));
  return btoa(String.fromCharCode(...bytes)).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
};
const unpacked = (text) => {
  const found = new Uint8Array(SIDE * SIDE);
  try {
    const bytes = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    for (let i = 0; i < found.length; i++) found[i] = (bytes.charCodeAt(i >> 3) >> (7 - (i & 7))) & 1;
  } catch { /* the server refuses a text that is no grid */ }
  return found;
};

const draw = () => {
  context.clearRect(0, 0, canvas.width, canvas.height);
  if (image) context.drawImage(image, 0, 0, canvas.width, canvas.height);
  context.fillStyle = "rgb(255 60 120 / 0.5)";
  cells.forEach((on, i) => on && context.fillRect((i % SIDE) * cell, Math.floor(i / SIDE) * cell, cell, cell));
  if (!cursor || document.activeElement !== canvas) return;
  const radius = large ? 3 : 1;
  context.strokeStyle = "white";
  context.lineWidth = 2;
  context.strokeRect((cursor[0] - radius) * cell, (cursor[1] - radius) * cell, (2 * radius + 1) * cell, (2 * radius + 1) * cell);
};

const dab = (x, y) => {
  const radius = large ? 3 : 1;
  for (let j = Math.max(y - radius, 0); j <= Math.min(y + radius, SIDE - 1); j++)
    for (let i = Math.max(x - radius, 0); i <= Math.min(x + radius, SIDE - 1); i++)
      if (Math.hypot(i - x, j - y) <= radius + 0.3) cells[j * SIDE + i] = erasing ? 0 : 1;
};
const line = (from, to) => {
  const steps = Math.max(Math.abs(to[0] - from[0]), Math.abs(to[1] - from[1]), 1);
  for (let k = 0; k <= steps; k++) dab(Math.round(from[0] + ((to[0] - from[0]) * k) / steps), Math.round(from[1] + ((to[1] - from[1]) * k) / steps));
};
const send = () => {
  const now = packed();
  if (now === states.at(-1)) return; // the server has it, or will have
  states.push(now);
  trigger("paint", { cells: now });
};

const at = (event) => {
  const box = canvas.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top].map((v, k) => Math.floor((v * SIDE) / (k ? box.height : box.width)));
};
canvas.addEventListener("pointerdown", (event) => {
  canvas.setPointerCapture(event.pointerId);
  cursor = null;
  last = at(event);
  line(last, last);
  draw();
});
canvas.addEventListener("pointermove", (event) => {
  if (!last) return;
  const here = at(event);
  line(last, here);
  last = here;
  draw();
});
for (const end of ["pointerup", "pointercancel"]) canvas.addEventListener(end, () => {
  if (last) { last = null; send(); }
});
const MOVES = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
canvas.addEventListener("keydown", (event) => {
  cursor ??= [SIDE / 2, SIDE / 2];
  if (MOVES[event.key]) cursor = cursor.map((v, k) => Math.min(Math.max(v + MOVES[event.key][k], 0), SIDE - 1));
  else if (event.key === " ") { dab(...cursor); send(); }
  else return;
  event.preventDefault();
  draw();
});
canvas.addEventListener("focus", draw);
canvas.addEventListener("blur", draw);
all("button").forEach((button) => button.addEventListener("click", () => {
  const act = button.dataset.act;
  if (act === "clear") { cells.fill(0); send(); }
  else if (act === "large") large = !large;
  else erasing = act === "erase";
  for (const [name, on] of [["paint", !erasing], ["erase", erasing], ["large", large]]) find(`[data-act=${name}]`).setAttribute("aria-pressed", String(on));
  draw();
}));

const update = async () => {
  const value = props.value || {}, uri = value.image || "", theirs = value.cells || "", place = states.indexOf(theirs);
  states = place < 0 ? [theirs] : states.slice(place);
  // until the latest stroke has come back, the server's cells are older than those here
  if (states.length === 1 && !last) cells = unpacked(theirs);
  if (uri !== shown) {
    shown = uri;
    const picture = uri ? await decode(uri) : null;
    if (shown === uri) image = picture;
  }
  draw();
};
watch("value", update);
update();
