"""How long the dashboard takes: to list 10,000 runs, to show what a running stage has just written, to zoom.

python benchmarks/dashboard.py
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parent.parent))
from taximeter.clock import iso
from tests.browser import CHROMIUM, QUIET
from tests.report.synthetic import a_big_run

STAGE = """
import pathlib, sys, time, taximeter
for n in range(40):
    time.sleep(0.7)
    taximeter.log_llm_usage("m", 1, 1)
    pathlib.Path(sys.argv[1], "said").write_text(f"{n + 1} {time.time()}")
"""
LISTED = """async () => {
  const begin = performance.now(), text = await (await fetch("/api/runs")).text(), came = performance.now();
  dashboard.list.known.clear();
  dashboard.list.take(JSON.parse(text));
  return [came - begin, performance.now() - came, document.querySelectorAll("#runs [role=listitem]").length];
}"""
ASKED = """async ([from, to]) => {
  const begin = performance.now(), answer = await fetch(`/api/runs/big/events?from=${from}&to=${to}&limit=4000`);
  const found = await answer.json();
  return [performance.now() - begin, found.calls.length];
}"""
SCROLLED = """async () => {
  const place = document.getElementById("runs"), frames = [];
  let last = performance.now();
  for (let i = 0; i < 120; i += 1) {
    place.scrollTop += 700;
    await new Promise(requestAnimationFrame);
    frames.push(performance.now() - last);
    last = performance.now();
  }
  return frames.sort((a, b) => a - b);
}"""


def many_runs(folder: Path, count: int = 10_000) -> None:
    lines = []
    for n in range(count):
        at, run_id = iso(1_700_000_000 + n * 100), f"nightly-{n:05}"
        (folder / "runs" / run_id).mkdir(parents=True)
        totals = {"metered": True, "wall_seconds": n / 10, "calls": n, "cost": 0.25, "cost_status": "priced"}
        line = {"schema_version": "manifest_v1", "run_id": run_id, "recipe": "nightly", "started_at": at}
        lines += [
            line | {"status": "running"},
            line | {"status": "done", "ended_at": at, "totals": totals, "tags": {"a": "b"}},
        ]
    (folder / "run_manifest.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))


def serve(folder: Path) -> tuple[subprocess.Popen[str], str]:
    command = [sys.executable, "-m", "taximeter", "serve", "--output-dir", str(folder), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    return server, server.stdout.readline().partition(" ")[0]


def the_list(page: Page, folder: Path) -> None:
    many_runs(folder)
    server, address = serve(folder)
    page.goto(address)
    page.locator("#runs-count", has_text="10,000").wait_for()
    for attempt in ("first", "again", "again"):
        asked, drawn, rows = page.evaluate(LISTED)
        print(f"10,000 runs, {attempt}: asked {asked:.0f} ms, taken and drawn {drawn:.0f} ms, {rows} rows in the page")
    frames = page.evaluate(SCROLLED)
    print(f"scrolling: median frame {statistics.median(frames):.1f} ms, the slowest {frames[-1]:.1f} ms")
    server.terminate()
    server.wait()


def the_line(page: Page, folder: Path) -> None:
    (folder / "stage.py").write_text(STAGE)
    recipe = {
        "name": "live",
        "instrumentation": {"enabled": True},
        "stages": [{"stage": "s", "run": f"{{python}} stage.py {folder}"}],
    }
    (folder / "recipe.yaml").write_text(json.dumps(recipe))
    server, address = serve(folder)
    page.goto(address)
    run = subprocess.Popen(
        [sys.executable, "-m", "taximeter", "run", "recipe.yaml", "--output-dir", "."],
        cwd=folder,
        stderr=subprocess.DEVNULL,
    )
    delays = []
    for n in range(1, 30):
        page.locator(".stage-card .figures", has_text=f"{n} call").wait_for()
        said, at = (folder / "said").read_text().split()
        if int(said) == n:
            delays.append(time.time() - float(at))
    print(f"from the write to the page: median {statistics.median(delays):.2f} s, longest {max(delays):.2f} s")
    for process in (run, server):
        process.terminate()
        process.wait()


def the_events(page: Page, folder: Path) -> None:
    a_big_run(folder, 100_000, "big")
    server, address = serve(folder)
    page.goto(address + "runs/big")
    page.locator("tr.stage").first.wait_for(timeout=120_000)
    for begin, end in ((0, 1e9), (60_000, 160_000), (80_000, 90_000), (80_000, 80_500)):
        took, bars = page.evaluate(ASKED, [begin, end])
        print(f"100,000 calls, from {begin / 1000:g} s to {end / 1000:g} s: {bars} bars in {took:.0f} ms")
    server.terminate()
    server.wait()


def main() -> None:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        measures: tuple[Any, ...] = (the_list, the_line, the_events)
        for measure in measures:
            with tempfile.TemporaryDirectory() as folder:
                measure(browser.new_page(viewport={"width": 1280, "height": 900}), Path(folder))
        browser.close()


if __name__ == "__main__":
    main()
