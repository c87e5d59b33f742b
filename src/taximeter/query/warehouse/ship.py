"""Sends a run to a warehouse. Sending it again changes nothing, and what is later wins."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime

import msgspec
import pyarrow as pa

from taximeter.errors import RunDirError
from taximeter.journal.reader import UNREADABLE
from taximeter.ledger.manifest import ManifestLine
from taximeter.ledger.replay import Replay
from taximeter.query.compact import sheet_of
from taximeter.query.rows import RunRows
from taximeter.query.warehouse.connect import Warehouse
from taximeter.query.warehouse.tables import SHIPPED
from taximeter.rundir import RunDir


class Facts(msgspec.Struct, frozen=True):
    """What is known of a run as a whole."""

    line: ManifestLine
    """All that the manifest says, or would say if the run ended now."""

    report: bytes
    """`instrumentation.json`, as of now."""


FactsOf = Callable[[RunDir], Facts]


class Shipment:
    """A run that is sent: all of it at first, then what is new.

    If sending fails nobody knows what has arrived: another shipment has to begin. `on_taken` is told how many bytes of
    the run have been read, each time that rows were sent.
    """

    def __init__(
        self, run: RunDir, warehouse: Warehouse, facts_of: FactsOf, on_taken: Callable[[int], object] | None = None
    ) -> None:
        self._run = run
        self._on_taken = on_taken
        self._warehouse = warehouse
        self._facts_of = facts_of
        self._sent: Counter[str] = Counter()
        self._rows = RunRows(run.run_id, self._write, SHIPPED)
        try:
            self._replay = Replay(run, sheet_of(run), self._rows)
        except UNREADABLE as error:
            raise RunDirError(f"a snapshot of {run.path} cannot be read: {error}") from None

    def send(self) -> Counter[str]:
        """Sends what is new, and gives how many rows of each table; the row of the run itself comes last.

        A run that has not begun has nothing to send.
        """
        self._sent = Counter()
        self._replay.take()
        seq = self._replay.taken
        facts = self._facts_of(self._run)
        day = _day(facts.line.started_at)
        if day is not None:
            self._rows.report(facts.report, seq=seq, day=day)
            self._rows.run(facts.line, seq=seq, day=day)
            self._rows.finish()
        return self._sent

    def _write(self, table: str, rows: pa.RecordBatch) -> None:
        if rows.num_rows:
            self._warehouse.insert(table, rows)
            self._sent[table] += rows.num_rows
            if self._on_taken is not None:
                self._on_taken(self._replay.taken)


def _day(started_at: str | None) -> date | None:
    return None if started_at is None else datetime.fromisoformat(started_at).astimezone(UTC).date()
