// A choice among faces: those found in an uploaded picture, or the candidates for a photograph's clay likeness.
const faces = find(".faces"), undo = find(".undo"), photo = find(".photo");
const update = () => {
  const value = props.value || {};
  find(".text").textContent = value.text || "";
  element.classList.toggle("shown", Boolean(value.text));
  if (undo) undo.hidden = !value.undo;
  if (photo) photo.hidden = !value.photo;
  if (value.photo) photo.querySelector("img").src = value.photo;
  faces.hidden = !(value.faces || []).length;
  faces.replaceChildren(...(value.faces || []).map((uri, i) => {
    const button = document.createElement("button"), picture = new Image();
    button.type = "button";
    button.dataset.face = i;
    button.setAttribute("aria-label", `${faces.dataset.each} ${i + 1}`);
    button.setAttribute("aria-pressed", String(i === value.chosen));
    picture.src = uri;
    picture.alt = "";
    button.append(picture);
    return button;
  }));
};
faces.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) trigger("pick", { face: Number(button.dataset.face) });
});
undo?.addEventListener("click", () => trigger("undo"));
watch("value", update);
update();
