// The results of a batch as a table: sorted by any column, the failed ones first; a row's pictures open its player.
const report = (root, batch) => {
  const dialog = make("dialog", { "aria-label": "Run" }), content = make("div");
  dialog.append(make("form", { method: "dialog" }, make("button", {}, "Close")), content);
  const open = (job) => {
    const place = make("div");
    content.replaceChildren(place);
    dialog.showModal();
    player(place, job.run);
  };
  const thumbs = (job) => {
    if (!job.run) return "";
    // the first tile of the steps is the start
    const start = make("img", { src: job.run.tiles.src, alt: "before", loading: "lazy" }), before = make("span", {}, start), after = make("img", { src: job.run.after, alt: "after", loading: "lazy" });
    start.style.width = `${72 * job.run.tiles.columns}px`;
    const button = make("button", { class: "thumbs", type: "button", "aria-label": `Open the run ${job.cells[0]}` }, before, after);
    button.addEventListener("click", () => open(job));
    return button;
  };
  const shown = (value) => (value === null ? "" : typeof value === "number" && !Number.isInteger(value) ? value.toPrecision(4) : String(value));
  const lines = batch.jobs.map((job) => ({ job, line: make("tr", { class: job.run ? "" : "failed" }, make("td", {}, thumbs(job)), ...job.cells.map((value) => make("td", { class: typeof value === "string" && value.length > 12 ? "text" : "" }, shown(value)))) }));
  const body = make("tbody", {}, ...lines.map(({ line }) => line));
  const heads = batch.columns.map((name, k) => {
    const button = make("button", { type: "button" }, name), head = make("th", { scope: "col" }, button);
    button.addEventListener("click", () => {
      const down = head.getAttribute("aria-sort") === "ascending", sign = down ? -1 : 1;
      heads.forEach((other) => other.removeAttribute("aria-sort"));
      head.setAttribute("aria-sort", down ? "descending" : "ascending");
      const order = (a, b) => (a === null) - (b === null) || sign * (typeof a === "number" && typeof b === "number" ? a - b : String(a).localeCompare(String(b)));
      lines.sort((a, b) => order(a.job.cells[k], b.job.cells[k]));
      body.append(...lines.map(({ line }) => line));
    });
    return head;
  });
  root.append(make("h1", {}, batch.title), make("p", { class: "soft" }, batch.subtitle),
    make("div", { class: "wide" }, make("table", {}, make("thead", {}, make("tr", {}, make("td"), ...heads)), body)), dialog);
};
