// Shared by all viewers; Gradio gives each of them `element`, `props`, `watch` and `trigger`.
const find = (selector) => element.querySelector(selector);
const all = (selector) => [...element.querySelectorAll(selector)];
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

// Data URI -> decoded picture. The pictures are small, so all pictures of a run are decoded at once.
const decode = async (uri) => {
  const picture = new Image();
  picture.src = uri;
  await picture.decode();
  return picture;
};

// Draws a small picture, smoothly enlarged.
const paint = (canvas, picture, label) => {
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", label);
  canvas.hidden = false;
};
