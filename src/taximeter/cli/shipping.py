"""`serve --ship-to`: what comes into the folders is sent to a warehouse, by a thread for each folder."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

import click
import msgspec

from taximeter.cli.failure import page
from taximeter.errors import SetupError
from taximeter.ledger.manifest import Manifest, ManifestLine
from taximeter.redact import visible
from taximeter.report import json
from taximeter.report.build import Books, open_books
from taximeter.report.runs import line_of
from taximeter.rundir import OutputDir, RunDir

if TYPE_CHECKING:
    from taximeter.query.warehouse.address import Address
    from taximeter.query.warehouse.follow import Follower
    from taximeter.query.warehouse.ship import Facts

_MOST = 64
"""Runs that go on whose books stay open, so that each look reads only what is new."""

_PATIENCE = 3.0
"""Seconds that a thread has to stop; what it was sending is sent again the next time."""


@contextmanager
def shipping(outputs: Mapping[str, OutputDir], where: Address) -> Iterator[list[Follower]]:
    """Ships these folders as long as the block lasts.

    The key of a folder is its project: those of a project go to the database `DATABASE_PROJECT`, since runs of two
    projects may have the same id. Without a name they go to the database of the address.
    """
    stop = Event()
    followers = [_follower(output, _of_project(where, project)) for project, output in outputs.items()]
    threads = [Thread(target=follower.run, args=[stop], daemon=True) for follower in followers]
    for thread in threads:
        thread.start()
    try:
        yield followers
    finally:
        stop.set()
        for thread in threads:
            thread.join(_PATIENCE)


def _follower(output: OutputDir, where: Address) -> Follower:
    from taximeter.query.warehouse.connect import open_warehouse
    from taximeter.query.warehouse.follow import Follower

    return Follower(output, lambda: open_warehouse(where), FolderFacts(output), _teller(where))


def _of_project(where: Address, project: str) -> Address:
    return msgspec.structs.replace(where, database=f"{where.database}_{project}") if project else where


def _teller(where: Address) -> Callable[[SetupError | None], None]:
    def tell(trouble: SetupError | None) -> None:
        over = f"what has waited is shipped to {visible(str(where))}"
        click.echo(f"nothing is shipped: {page(trouble)}" if trouble else over, err=True)

    return tell


class FolderFacts:
    """What is known of each run of a folder, as of when it is asked for."""

    def __init__(self, output: OutputDir) -> None:
        self._manifest = Manifest(output)
        self._books: OrderedDict[str, tuple[Books, object]] = OrderedDict()

    def __call__(self, run: RunDir) -> Facts:
        """RunDirError if it cannot be read."""
        from taximeter.query.warehouse.ship import Facts

        self._manifest.poll()
        report = self._taken(run).report()
        line = self._manifest.runs.get(run.run_id) or ManifestLine(run.run_id)
        return Facts(line_of(report, line), json.render(report).encode())

    def _taken(self, run: RunDir) -> Books:
        made_from = tuple(path.stat().st_mtime_ns if path.exists() else 0 for path in (run.plan, run.pricing))
        books, known = self._books.pop(run.run_id, (None, None))
        if books is None or known != made_from:
            books = open_books(run)
        else:
            books.take()
        if run.is_held():
            self._books[run.run_id] = books, made_from
            if len(self._books) > _MOST:
                self._books.popitem(last=False)
        return books
