"""Size, build time and drawing time of a run's page, from the disk and served. Needs chromium and playwright.

python benchmarks/viewer.py [CALLS ...]
"""

import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))
from taximeter.report import html
from taximeter.report.attached import attached
from taximeter.report.build import build
from tests.browser import CHROMIUM, QUIET
from tests.report.synthetic import a_big_run
from tests.web.conftest import Served

ZOOM = """async () => {
  const view = taximeter.timeline, whole = view.now, drawn = [], frames = [];
  const frame = () => new Promise(requestAnimationFrame);
  view.show(null);
  let before = await frame();
  for (let i = 0; i < 200; i++) {  // in until a ten-thousandth fills the picture, sideways, and out again
    const depth = Math.min(i, 199 - i, 80) / 80, length = whole * Math.pow(1e-4, depth);
    const middle = whole * (0.5 + i / 4000);
    const start = performance.now();
    view.view = depth ? [middle - length / 2, middle + length / 2] : null;
    view.refine();
    drawn.push(performance.now() - start);
    const now = await frame();
    frames.push(now - before);
    before = now;
  }
  const sorted = (times) => times.sort((a, b) => a - b);
  return [sorted(drawn), sorted(frames)];
}"""
"""How long a picture takes to draw, and how long it is from one picture to the next, in milliseconds."""


def zoomed(page: Any) -> str:
    page.wait_for_selector("tr.stage", timeout=300_000)
    page.wait_for_timeout(1_000)
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = cpu_seconds(session)
    drawn, frames = page.evaluate(ZOOM)
    used = (cpu_seconds(session) - before) / len(frames)
    slow = sum(frame > 50 for frame in frames)
    return (
        f"{used * 1000:.1f} ms | {drawn[100]:.1f} / {drawn[190]:.1f} ms | {frames[190]:.0f} ms, {slow} of 200 over 50"
    )


def cpu_seconds(session: Any) -> float:
    """CPU time of the page's main thread, whatever else the machine does."""
    metrics = {each["name"]: each["value"] for each in session.send("Performance.getMetrics")["metrics"]}
    return float(metrics["TaskDuration"])


def first_picture(page: Any) -> float:
    return float(page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime") or 0)


def measure(browser: Any, folder: Path, size: int) -> None:
    run = a_big_run(folder, size, f"run-{size}")
    start = time.process_time()
    report = build(run)
    text = html.render(report, attached(run, report.stages))
    took = time.process_time() - start
    (folder / "page.html").write_text(text)
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto((folder / "page.html").as_uri())
    from_disk = zoomed(page)
    print(
        f"| {size:,} | disk | {took:.2f} s | {len(text) / 1000:.0f} kB | {first_picture(page):.0f} ms | {from_disk} |",
        flush=True,
    )
    server = Served(folder)
    try:
        page.goto(f"{server.address}/runs/run-{size}", timeout=120_000)
        print(f"| {size:,} | served | | | {first_picture(page):.0f} ms | {zoomed(page)} |", flush=True)
    finally:
        server.close()
    page.close()


def main(sizes: list[int]) -> None:
    print("| calls | from | build, CPU | page | first picture | CPU a frame | drawing, median / 95 % | frames, 95 % |")
    print("|--:|:--|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for size in sizes:
            measure(browser, Path(folder) / str(size), size)
        browser.close()


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000, 1_000_000])
