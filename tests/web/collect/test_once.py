"""Whatever the order and the splits, each event stands in the files once, and each that was sent is accounted for."""

import asyncio
import json
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import settings as how
from hypothesis import strategies as st

from taximeter.pricing.builtin import sheet_in
from taximeter.rundir import OutputDir
from taximeter.web.collect.batch import Batch, Dirty
from taximeter.web.collect.handles import Handles
from taximeter.web.collect.shelf import Shelf
from tests.web.collect.conftest import call

events = st.builds(
    call, st.integers(0, 12), process=st.sampled_from(["p", "q", "a/b"]), run_id=st.sampled_from(["r", "s"])
)
lines = st.one_of(events, events, events, st.sampled_from([b"{", b"[]", call(-1), call(2, run_id="")]))
batches = st.lists(st.lists(lines, max_size=12), max_size=8)


def send(shelf: Shelf, sent: list[bytes]) -> tuple[int, int, int]:
    """One batch by itself, as the writer writes it."""
    loop = asyncio.new_event_loop()
    try:
        batch = Batch(shelf, b"\n".join(sent), loop.create_future())
        dirty: Dirty = {}
        batch.take(dirty)
        for run, waiting in dirty.items():
            for process in waiting.processes:
                if run.streams[process].waits:
                    run.streams[process].write()
        return batch.verdict.accepted, batch.verdict.duplicate, len(batch.verdict.rejected)
    finally:
        loop.close()


def standing(folder: Path) -> list[tuple[str, str, int]]:
    files = sorted(folder.glob("runs/*/events/*.jsonl"))
    found = [json.loads(line) for file in files for line in file.read_bytes().splitlines()]
    return [(event["run_id"], *event["event_id"]) for event in found]


@how(max_examples=60)
@given(batches, st.sets(st.integers(0, 7)))
def test_each_event_once(sent: list[list[bytes]], restarts: set[int]) -> None:
    with TemporaryDirectory() as name:
        handles = Handles()
        shelf = Shelf(OutputDir(Path(name)), sheet_in(None), handles)
        accepted = 0
        for index, batch in enumerate(sent):
            if index in restarts:  # it knows what it reads from the files
                shelf.close()
                shelf = Shelf(OutputDir(Path(name)), sheet_in(None), handles)
            taken, duplicate, rejected = send(shelf, batch)
            assert taken + duplicate + rejected == len(batch)
            accepted += taken
        shelf.close()
        handles.close_all()
        found = standing(Path(name))
        assert len(found) == len(set(found)) == accepted
        good = [json.loads(line) for batch in sent for line in batch if line not in (b"{", b"[]")]
        wanted = {(e["run_id"], *e["event_id"]) for e in good if e["run_id"] and e["event_id"][1] >= 0}
        assert set(found) == wanted
