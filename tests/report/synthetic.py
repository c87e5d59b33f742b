"""A run with a bit of everything, of any size."""

from pathlib import Path
from random import Random

from taximeter.clock import iso
from taximeter.events import SpanEvent
from taximeter.rundir import RunDir
from tests.runs import Writing, call, plan, stage

STAGES = {
    "collect": (),
    "clean": ("collect",),
    "split": ("clean",),
    "summarise": ("split",),
    "embed": ("split",),
    "classify": ("clean",),
    "judge": ("summarise", "classify"),
    "index": ("embed", "summarise"),
    "review": ("judge",),
    "publish": ("review", "index"),
}
MODELS = ("big", "small", "who-knows", "local")


def a_big_run(folder: Path, calls: int = 10_000, run_id: str = "nightly-2026-01-01") -> RunDir:
    """Ten stages in waves; `calls` calls; an attempt that failed, one stage that fails, a model without a price."""
    random = Random(7)
    stages = [
        stage(i, name, needs=needs, description=f"The {name} step of the nightly pipeline.")
        for i, (name, needs) in enumerate(STAGES.items(), 1)
    ]
    writing = Writing(folder, plan(stages, tags={"team": "search", "user": "ada"}), run_id)
    waves = (("collect",), ("clean",), ("split", "classify"), ("summarise", "embed"), ("judge", "index"), ("review",))
    asking = {"summarise": 0.4, "embed": 0.25, "classify": 0.15, "judge": 0.15, "review": 0.05}
    began: dict[str, float] = {}
    for wave in waves:
        for name in wave:
            writing.start(name)
            began[name] = writing.clock.now()
        start, length = writing.clock.now(), random.uniform(20, 90)
        for i, name in enumerate(wave, 1):
            wall = length * i / len(wave)
            writing.sink(name, *(_call(random, name, start, wall) for _ in range(round(calls * asking.get(name, 0)))))
        for i, name in enumerate(wave):
            writing.end(
                name, "failed" if name == "index" else "done", length / len(wave), exit_code=int(name == "index")
            )
            if i == 0 and name == "judge":
                writing.start(name, 2)
    writing.end("judge", seconds=12)
    for name, parent, after, wall in (
        ("batch", "summarise", 0.0, 30.0),
        ("ask", "batch", 1.0, 14.0),
        ("parse", "batch", 16.0, 4.0),
        ("ask", "batch", 20.5, 9.0),
    ):
        event = SpanEvent(("", 0), run_id, "t", f"{name}-{after}", "span", name, began["summarise"] + after)
        event.parent_span, event.stage_id, event.wall_ms, event.ok = parent, "summarise", wall * 1000, name != "parse"
        event.ended_at, event.cpu_ms = event.started_at + wall, wall * 50
        writing.spans._append(event)
    writing.close("failed", "stage index: exit code 1")
    return writing.run


def _call(random: Random, name: str, start: float, length: float) -> dict[str, object]:
    embeds = name == "embed"
    latency = min(random.lognormvariate(-0.3, 0.6), 8.0)
    return call(
        "small" if embeds else random.choices(MODELS, (6, 3, 1, 1))[0],
        kind="embedding" if embeds else "llm",
        prompt_tokens=random.randrange(200, 4_000),
        completion_tokens=0 if embeds else random.randrange(20, 900),
        cached=random.random() < 0.03,
        request_ms=round(latency * 1000, 1),
        created_at=iso(start + random.random() * max(length - latency, 0.1)),
        request_id=f"req_{random.randrange(16**12):012x}",
    )
