// Shared by the viewers below; every one of them gets `element`, `props`, `watch` and `trigger` from Gradio.
const find = (selector) => element.querySelector(selector);
const all = (selector) => [...element.querySelectorAll(selector)];
const still = matchMedia("(prefers-reduced-motion: reduce)").matches;

// Data URI -> decoded picture. The pages' pictures are small, so that all of a run is decoded in one go.
const decode = async (uri) => {
  const picture = new Image();
  picture.src = uri;
  await picture.decode();
  return picture;
};

// A small picture, enlarged smoothly.
const paint = (canvas, picture, label) => {
  const context = canvas.getContext("2d");
  context.imageSmoothingEnabled = true;
  context.imageSmoothingQuality = "high";
  context.drawImage(picture, 0, 0, canvas.width, canvas.height);
  canvas.setAttribute("aria-label", label);
  canvas.hidden = false;
};
