"""What was lost or is doubtful stands in every report of a run."""

from pathlib import Path

import pytest

import taximeter
from taximeter.events import Event
from taximeter.report import html, html_static, json, markdown, records, terminal
from taximeter.report.build import build
from taximeter.rundir import RunDir


@pytest.fixture
def report(tmp_path: Path, card: Path) -> records.RunInstrumentation:
    """Of a run in which every kind of loss happened."""

    def redact(event: Event) -> Event:
        if getattr(event, "span", "") == "dropped":
            raise LookupError("the hook does not know it")
        return event

    recorder = taximeter.enable(output_dir=tmp_path, run_id="r", rate_card_path=card, redact=redact)
    taximeter.log_llm_usage("big", -1, 0)
    with taximeter.span("dropped"), taximeter.span("too large", text="x" * 300_000):
        pass
    recorder.beat_at = 0
    with taximeter.span("beat"):
        pass
    run = RunDir(tmp_path / "runs" / "r")
    taximeter.disable()
    (journal,) = run.events.iterdir()
    journal.write_bytes(journal.read_bytes() + b'{"schema_version":"span_v1","event_id":["p')
    return build(run)


@pytest.mark.parametrize("render", [terminal.render, markdown.render, html_static.render, html.render])
def test_in_words(report: records.RunInstrumentation, render) -> None:
    page = " ".join(render(report).split())
    for loss in ("1 record rejected", "1 line torn", "1 event dropped", "1 event truncated"):
        assert loss in page


def test_in_figures(report: records.RunInstrumentation) -> None:
    losses = report.losses
    assert (losses.rejected, losses.torn, losses.dropped, losses.truncated) == (1, 1, 1, 1)
    assert '"dropped": 1' in json.render(report)
