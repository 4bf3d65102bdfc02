// Faces found in an uploaded picture: a message, and a choice among several.
const faces = find(".faces");
const update = () => {
  const value = props.value || {};
  find(".text").textContent = value.text || "";
  element.classList.toggle("shown", Boolean(value.text));
  find(".undo").hidden = !value.undo;
  faces.hidden = !(value.faces || []).length;
  faces.replaceChildren(...(value.faces || []).map((uri, i) => {
    const button = document.createElement("button"), picture = new Image();
    button.type = "button";
    button.dataset.face = i;
    button.setAttribute("aria-label", `Face ${i + 1}`);
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
find(".undo").addEventListener("click", () => trigger("undo"));
watch("value", update);
update();
