// The runs of this session: load the settings of one, or compare two.
const list = find(".runs"), beside = find(".beside");
let runs = [], chosen = [];

const make = (kind, text, className) => {
  const node = document.createElement(kind);
  if (text) node.textContent = text;
  if (className) node.className = className;
  return node;
};
const picture = (uri, alt) => {
  const image = new Image();
  image.src = uri;
  image.alt = alt;
  return image;
};

const compare = () => {
  const two = chosen.map((id) => runs.find((one) => one.id === id)).filter(Boolean);
  beside.hidden = two.length < 2;
  if (two.length < 2) return;
  const heads = two.map((one) => {
    const figure = make("figure");
    figure.append(picture(one.after, `The result of run ${one.id}`), make("figcaption", `Run ${one.id}: ${one.title}`));
    return figure;
  });
  const table = make("table", "", "numbers"), body = make("tbody");
  const names = [...new Set(two.flatMap((one) => Object.keys(one.facts)))];
  names.filter((name) => two[0].facts[name] !== two[1].facts[name]).forEach((name) => {
    const row = make("tr"), head = make("th", name);
    head.scope = "row";
    row.append(head, ...two.map((one) => make("td", one.facts[name] ?? "–")));
    body.append(row);
  });
  if (!body.children.length) body.append(make("tr", "")), body.firstChild.append(make("td", "These two runs have equal settings and measurements."));
  table.append(make("caption", "Differences"), body);
  const pictures = make("div", "", "two");
  pictures.append(...heads);
  beside.replaceChildren(pictures, table);
};

const draw = () => {
  list.replaceChildren(...runs.map((one) => {
    const item = make("li"), words = make("div"), row = make("div", "", "acts");
    for (const [act, text] of [["again", "Use settings"], ["side", "Compare"], ["forget", "Delete"]]) {
      const button = make("button", text);
      button.type = "button";
      button.dataset[act] = one.id;
      button.setAttribute("aria-label", `${text} of run ${one.id}`.replace("Compare of", "Compare").replace("Delete of", "Delete"));
      if (act === "side") button.setAttribute("aria-pressed", String(chosen.includes(one.id)));
      row.append(button);
    }
    words.append(make("b", `${one.id} · ${one.title}`), make("span", one.summary), row);
    item.append(picture(one.after, `The result of run ${one.id}`), words);
    return item;
  }));
  find(".all").hidden = runs.length < 2;
  compare();
};

element.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.again) return trigger("again", { id: Number(button.dataset.again) });
  if (button.dataset.forget) return trigger("forget", { id: Number(button.dataset.forget) });
  if (button.classList.contains("all")) return trigger("forget", { id: null });
  // the two runs that were chosen last; one that is chosen already stays
  const id = Number(button.dataset.side);
  chosen = [...chosen.filter((one) => one !== id), id].slice(-2);
  draw();
  find(`[data-side="${id}"]`)?.focus();
});

const update = () => {
  runs = props.value || [];
  // two runs are compared at once
  chosen = chosen.filter((id) => runs.some((one) => one.id === id));
  if (runs.length === 2 && !chosen.length) chosen = runs.map((one) => one.id).reverse();
  draw();
};
watch("value", update);
update();
