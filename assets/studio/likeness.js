// A photograph and the candidates for its clay likeness.
const faces = find(".faces");
const update = () => {
  const value = props.value || {};
  find(".text").textContent = value.text || "";
  element.classList.toggle("shown", Boolean(value.text));
  find(".photo").hidden = !value.photo;
  if (value.photo) find(".photo img").src = value.photo;
  faces.replaceChildren(...(value.faces || []).map((uri, i) => {
    const button = document.createElement("button"), picture = new Image();
    button.type = "button";
    button.dataset.face = i;
    button.setAttribute("aria-label", `Candidate ${i + 1}`);
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
watch("value", update);
update();
