"""Size, build time and drawing time of a run's page. Needs chromium and playwright.

python benchmarks/viewer.py [CALLS ...]
"""

import sys
import tempfile
import time
from pathlib import Path

from playwright.sync_api import sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))
from taximeter.report import html
from taximeter.report.build import build
from tests.report.conftest import CHROMIUM, QUIET
from tests.report.synthetic import a_big_run

FRAMES = """async () => {
  const view = taximeter.timeline, times = [];
  view.show(null);
  for (let i = 0; i < 60; i++) {
    view.zoom(i < 30 ? 0.9 : 1 / 0.9);
    const start = performance.now();
    view.draw();
    times.push(performance.now() - start);
    await new Promise(requestAnimationFrame);
  }
  return times.sort((a, b) => a - b);
}"""


def main(sizes: list[int]) -> None:
    print("| calls | build, CPU | page | first picture | frame, median | frame, p95 |")
    print("|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        for size in sizes:
            run = a_big_run(Path(folder), size, f"run-{size}")
            start = time.process_time()
            text = html.render(build(run))
            took = time.process_time() - start
            (Path(folder) / "page.html").write_text(text)
            page = browser.new_page(viewport={"width": 1280, "height": 900})
            page.goto((Path(folder) / "page.html").as_uri())
            page.wait_for_selector("tr.stage")
            first = page.evaluate("performance.getEntriesByName('first-contentful-paint')[0]?.startTime")
            frames = page.evaluate(FRAMES)
            page.close()
            print(
                f"| {size:,} | {took:.2f} s | {len(text) / 1000:.0f} kB | {first or 0:.0f} ms "
                f"| {frames[30]:.1f} ms | {frames[57]:.1f} ms |"
            )
        browser.close()


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or [1_000, 10_000, 100_000, 1_000_000])
