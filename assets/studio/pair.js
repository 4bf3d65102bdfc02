// Before and after with a divider, the difference map, or the result in the photo it was cropped from.
const wipe = find(".wipe"), line = find(".line"), after = find(".after"), photo = find(".photo");
let view = "wipe", pair = {};

const name = (labels) => [".tag.left", ".tag.right"].forEach((tag, i) => {
  find(tag).textContent = (labels || ["Before", "After"])[i];
});
const place = () => {
  after.style.clipPath = view === "wipe" ? `inset(0 0 0 ${wipe.value}%)` : "none";
  line.style.left = `${wipe.value}%`;
  wipe.setAttribute("aria-valuetext", `${wipe.value} % before`);
};

const choose = (name) => {
  view = name;
  all(".views button").forEach((button) => button.setAttribute("aria-pressed", String(button.dataset.view === name)));
  find(".heat").hidden = view !== "heat";
  photo.hidden = view !== "photo";
  [find(".before"), after].forEach((part) => { part.hidden = view === "photo"; });
  [line, wipe, ...all(".tag")].forEach((part) => { part.hidden = view !== "wipe"; });
  find(".scale").textContent = view === "heat" ? pair.scale : "";
  place();
};

// Without a result: the picture before alone, or none.
const only = async (uri) => {
  const before = uri ? await decode(uri) : null;
  if (props.value?.after || (props.value?.before || "") !== (uri || "")) return; // a newer value arrived meanwhile
  name();
  choose("wipe");
  all(".tag.right, .line, .wipe").concat(after).forEach((part) => { part.hidden = true; });
  find(".before").hidden = find(".tag.left").hidden = !before;
  if (before) paint(find(".before"), before, "Picture before");
  find(".empty").hidden = Boolean(before);
  [wipe, ...all(".views button")].forEach((control) => { control.disabled = true; });
  find("[data-view=photo]").hidden = true;
};

const update = async () => {
  const value = props.value || {};
  if (!value.after) return only(value.before);
  const pictures = [value.before, value.after, value.difference, ...(value.photo ? [value.photo] : [])];
  const [before, last, heat, whole] = await Promise.all(pictures.map(decode));
  if (value !== props.value && props.value?.after !== value.after) return;
  pair = value;
  name(value.labels);
  paint(find(".before"), before, "Picture before");
  paint(after, last, "Picture after");
  paint(find(".heat"), heat, `Difference map. ${value.scale}`);
  if (whole) {
    [photo.width, photo.height] = [whole.naturalWidth, whole.naturalHeight];
    paint(photo, whole, "Result in your photo");
  }
  find("[data-view=photo]").hidden = !whole;
  find(".empty").hidden = true;
  [wipe, ...all(".views button")].forEach((control) => { control.disabled = false; });
  element.dataset.pairs = Number(element.dataset.pairs || 0) + 1;
  choose(whole || view !== "photo" ? view : "wipe");
};

wipe.addEventListener("input", place);
all(".views button").forEach((button) => button.addEventListener("click", () => choose(button.dataset.view)));
watch("value", update);
update();
