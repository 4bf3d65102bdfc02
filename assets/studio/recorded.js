// Recorded runs: one button each; a click loads the run.
const list = find("ul");
const update = () => {
  list.replaceChildren(...(props.value || []).map((one) => {
    const item = document.createElement("li"), button = document.createElement("button"), picture = new Image();
    button.type = "button";
    button.dataset.name = one.name;
    picture.src = one.image;
    picture.alt = "";
    button.append(picture, one.title);
    button.setAttribute("aria-label", `Example: ${one.title}`);
    item.append(button);
    return item;
  }));
};
list.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (button) trigger("pick", { name: button.dataset.name });
});
watch("value", update);
update();
