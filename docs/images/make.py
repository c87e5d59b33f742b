"""Draws `report.png`, the report of a run in the terminal, `page*.png`, its page, and `dashboard*.png`, which shows it
among others. Needs chromium and playwright.

python docs/images/make.py output/runs/RUN
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.terminal_theme import MONOKAI

from taximeter.report import html
from taximeter.report.attached import attached
from taximeter.report.build import build
from taximeter.report.terminal import report_view
from taximeter.rundir import RunDir

WIDTH = 118
PAGE = """<!DOCTYPE html><meta charset="utf-8"><style>{stylesheet}
body {{ margin: 0; padding: 24px 28px; background: #12141a; color: #d9dbe1 }}
pre {{ font: 15px/1.38 "DejaVu Sans Mono", monospace; margin: 0 }}
</style><pre>{code}</pre>"""


def draw(run: RunDir, picture: Path) -> None:
    with Path("/dev/null").open("w") as nowhere:
        console = Console(record=True, width=WIDTH, force_terminal=True, color_system="truecolor", file=nowhere)
        console.print(f"[dim]$[/dim] taximeter show {run.run_id}\n", highlight=False)
        console.print(report_view(build(run), WIDTH))
    lines = console.export_text(clear=False).count("\n")
    html = console.export_html(theme=MONOKAI, code_format=PAGE)
    with tempfile.TemporaryDirectory() as folder:
        page = Path(folder) / "page.html"
        page.write_text(html)
        size = f"--window-size={int(WIDTH * 9.03) + 56},{int(lines * 20.7) + 48}"
        quiet = "--headless --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking"
        chromium = shutil.which("chromium") or sys.exit("apt-get install chromium")
        command = [chromium, *quiet.split(), "--disable-component-update", "--disable-sync", "--hide-scrollbars"]
        command += [f"--user-data-dir={folder}/user", "--force-device-scale-factor=2", size, f"--screenshot={picture}"]
        subprocess.run([*command, page.as_uri()], check=True, capture_output=True)


def draw_page(run: RunDir, folder: Path) -> None:
    """Light, dark with a stage that is open, and narrow."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as work:
        path = Path(work) / "page.html"
        path.write_text(html.render(build(run), attached(run)))
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for name, stage, scheme, width, height in (
            ("page", "", "light", 1280, 1180),
            ("page-dark", "#stage=summarise", "dark", 1280, 1180),
            ("page-narrow", "", "light", 390, 844),
        ):
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(path.as_uri() + stage)
            page.wait_for_selector("tr.stage")
            page.screenshot(path=folder / f"{name}.png")
        browser.close()


def draw_dashboard(run: RunDir, folder: Path) -> None:
    """Light and dark, and the run compared with the one before."""
    from playwright.sync_api import sync_playwright

    command = [sys.executable, "-m", "taximeter", "serve", "--output-dir", str(run.output), "--port", "0"]
    server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    address = server.stdout.readline().partition(" ")[0]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"]
        )
        for name, path, scheme, width, height in (
            ("dashboard", f"runs/{run.run_id}", "light", 1360, 1080),
            ("dashboard-dark", f"runs/{run.run_id}", "dark", 1360, 1080),
            ("compare", f"compare?now={run.run_id}", "light", 1360, 860),
        ):
            page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=scheme)
            page.goto(address + path)
            page.wait_for_selector("#view table" if name == "compare" else "tr.stage")
            page.wait_for_timeout(1000)
            page.screenshot(path=folder / f"{name}.png")
        browser.close()
    server.terminate()
    server.wait()


if __name__ == "__main__":
    images = Path(__file__).parent
    draw(RunDir(Path(sys.argv[1])), images / "report.png")
    draw_page(RunDir(Path(sys.argv[1])), images)
    draw_dashboard(RunDir(Path(sys.argv[1])), images)
