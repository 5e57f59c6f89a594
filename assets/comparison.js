// On a phone the table stands in for the picture, which would be too small to read.
const unfold = () => {
  if (matchMedia("(max-width: 640px)").matches) element.querySelector("details")?.setAttribute("open", "");
};

unfold();
watch("value", unfold);
