// Presentation mode: large type, keys instead of the mouse, and a reload after a pause. The server defines FORCED and IDLE.
const asked = new URLSearchParams(location.search);
const tab = (name) => [...document.querySelectorAll("[role=tab]")].find((one) => one.textContent.trim() === name);

// ?show=NAME opens the page at a claim of the paper: a tab, and a button to press there.
const SHOWS = { roundtrip: ["Steer", "#reconstruct"], sde: ["Steer", "#reconstruct"], memory: ["Compare"], morph: ["Morph"] };
const [place, button] = SHOWS[asked.get("show")] || [];
const open = () => {
  if (!document.querySelector("#cost p") || !tab(place)) return setTimeout(open, 100); // until the page is wired
  tab(place).click();
  if (button) document.querySelector(button).click();
};
if (place) open();

if (FORCED || asked.has("present")) {
  const KEYS = { r: "run", s: "stop", n: "next", p: "play", f: "recorded", i: "inputs", h: "hide" };
  const idle = 1000 * (Number(asked.get("idle")) || IDLE);
  const find = (selector) => document.querySelector(selector);
  const seen = (element) => element && element.offsetParent && !element.disabled;
  const TABS = ["Steer", "Morph", "Compare"];
  let example = -1, moved = Date.now(), started = false;

  const press = (selector) => {
    const button = [...document.querySelectorAll(selector)].find(seen);
    if (button) button.click();
    return Boolean(button);
  };
  const examples = () => [...document.querySelectorAll("#recorded button")];
  const recorded = (step) => {
    const buttons = examples();
    if (!seen(find("#run")) || !buttons.length) return; // a run is in progress, or another tab is open
    if (example < 0 && find("#status").textContent.includes("Recorded run")) example = 0; // the page opened with it
    buttons[Math.max(example + step, 0) % buttons.length].click();
  };
  // A presenter's remote goes through the examples, and then through the other tabs.
  const slide = (step) => {
    const now = TABS.findIndex((name) => tab(name)?.getAttribute("aria-selected") === "true");
    const next = Math.max(example, 0) + step;
    if (now === 0 && next >= 0 && next < examples().length) return recorded(step);
    tab(TABS[(Math.max(now, 0) + step + TABS.length) % TABS.length]).click();
  };
  const acts = {
    r: () => { started = press("#run, #morph-run, #compare-run"); },
    s: () => press("#stop, #morph-stop, #compare-stop"),
    n: () => recorded(1),
    p: () => press("#live .play"),
    f: () => recorded(0),
    i: () => document.documentElement.classList.toggle("unfolded"),
    h: () => find("#keys").toggleAttribute("hidden"),
    pagedown: () => slide(1),
    pageup: () => slide(-1),
  };
  const typing = (element) =>
    element.isContentEditable || ["TEXTAREA", "SELECT"].includes(element.tagName) ||
    (element.tagName === "INPUT" && !["radio", "checkbox", "range", "button"].includes(element.type));

  document.documentElement.classList.add("presenting");
  const corner = document.createElement("aside");
  corner.id = "keys";
  corner.setAttribute("aria-label", "Keys");
  corner.append(...Object.entries(KEYS).map(([key, what]) => {
    const line = document.createElement("span"), name = document.createElement("kbd");
    name.textContent = key.toUpperCase();
    line.append(name, what);
    return line;
  }));
  document.body.append(corner);

  document.addEventListener("click", (event) => {
    const at = examples().indexOf(event.target.closest?.("#recorded button"));
    if (at >= 0) example = at;
  });
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat || typing(event.target)) return;
    const act = acts[event.key.toLowerCase()];
    if (!act) return;
    event.preventDefault();
    act();
  });

  // After a live run failed, show the recorded one of the same example.
  new MutationObserver(() => {
    if (!started || !find("#message [role=alert]")) return;
    started = false;
    setTimeout(() => recorded(0), 3000);
  }).observe(document.body, { childList: true, subtree: true });

  // No input and no run for a while: reload, if the server still answers; otherwise keep the page.
  for (const name of ["pointerdown", "pointermove", "keydown", "wheel", "touchstart"])
    document.addEventListener(name, () => { moved = Date.now(); }, { passive: true });
  const running = () => ["#stop", "#morph-stop", "#compare-stop"].some((name) => seen(find(name)));
  setInterval(async () => {
    if (running()) moved = Date.now();
    if (Date.now() - moved < idle) return;
    moved = Date.now();
    const alive = await fetch(location.pathname, { method: "HEAD" }).then((answer) => answer.ok, () => false);
    if (alive) location.reload();
  }, 500);
}
