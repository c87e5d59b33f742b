// What is told of the thing under the pointer.
function showTip(event, text) {
  const tip = byId("tip");
  tip.textContent = text;
  tip.hidden = false;
  const { width, height } = tip.getBoundingClientRect();
  tip.style.setProperty("left", Math.max(4, Math.min(event.clientX + 14, innerWidth - width - 8)) + "px");
  tip.style.setProperty("top", (event.clientY + height + 24 > innerHeight ? event.clientY - height - 12 : event.clientY + 16) + "px");
}

function hideTip() { byId("tip").hidden = true; }

// The same for those who hear the page.
function say(text) { byId("said").textContent = text; }
