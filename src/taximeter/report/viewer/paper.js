// On paper: light, and the timeline drawn as wide as the sheet, whatever the window is.
const SHEET_WIDE = 1300, SHEET_FINE = 2;

function onPaper(timeline) {
  const turn = (paper) => {
    document.documentElement.classList.toggle("paper", paper);
    timeline.paper = paper;
    timeline.draw();
  };
  addEventListener("beforeprint", () => turn(true));
  addEventListener("afterprint", () => turn(false));
}
