// The edge of the side pane: the pointer drags it, the arrow keys move it.
const PANE_LEAST = 300, PANE_STEP = 40;

class Grip {
  constructor(grip, pane) {
    this.grip = grip;
    this.pane = pane;
    grip.addEventListener("pointerdown", (event) => grip.setPointerCapture(event.pointerId));
    grip.addEventListener("pointermove", (event) => { if (grip.hasPointerCapture(event.pointerId)) this.wide(innerWidth - event.clientX); });
    grip.addEventListener("keydown", (event) => {
      const width = { ArrowLeft: pane.offsetWidth + PANE_STEP, ArrowRight: pane.offsetWidth - PANE_STEP, Home: innerWidth, End: 0 }[event.key];
      if (width === undefined) return;
      this.wide(width);
      event.preventDefault();
    });
    addEventListener("resize", () => this.place());
  }

  wide(width) {
    this.pane.style.setProperty("width", Math.max(Math.min(width, innerWidth - 40), PANE_LEAST) + "px");
    this.place();
  }

  place() {
    const width = this.pane.offsetWidth;
    this.grip.style.setProperty("right", width - 5 + "px");
    for (const [name, value] of [["now", width], ["min", PANE_LEAST], ["max", Math.max(innerWidth - 40, PANE_LEAST)]]) this.grip.setAttribute("aria-value" + name, value);
  }
}
