"""Brings the tables of a warehouse up to date: numbered files of SQL, in order, each once.

ClickHouse has no lock that several shippers could hold. So each statement may be carried out by several at once and
again: all of them say IF NOT EXISTS.
"""

from __future__ import annotations

from importlib.resources import files

import msgspec
from clickhouse_connect.driver.exceptions import Error

from taximeter.errors import Problem, SetupError
from taximeter.query.warehouse.connect import Warehouse, told

_TABLE = """
CREATE TABLE IF NOT EXISTS taximeter_migrations
(
    number UInt32,
    name String,
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplacingMergeTree
ORDER BY number
"""
_UNKNOWN_TABLE = 60


class Migration(msgspec.Struct, frozen=True):
    """One step, which is never changed once it was released."""

    number: int
    name: str
    sql: str

    def statements(self) -> list[str]:
        """Its statements, in order."""
        return [part for part in (part.strip() for part in f"{self.sql}\n".split(";\n")) if part]


def migrations() -> list[Migration]:
    """All that this program knows, in order."""
    found = sorted(path.name for path in files("taximeter.query.warehouse").joinpath("migrations").iterdir())
    return [_migration(name) for name in found if name.endswith(".sql")]


def migrate(warehouse: Warehouse) -> list[int]:
    """Carries out what is missing, and gives the numbers; SetupError if the tables are of a newer program."""
    warehouse.make_database()
    try:
        done = _applied(warehouse)
    except Error as error:
        if error.code != _UNKNOWN_TABLE:
            with told(warehouse.address):
                raise
        warehouse.execute(_TABLE)
        done = set()
    known = migrations()
    _refuse_newer(warehouse, done, known)
    missing = [step for step in known if step.number not in done]
    for step in missing:
        for statement in step.statements():
            warehouse.execute(statement)
        warehouse.execute(f"INSERT INTO taximeter_migrations (number, name) VALUES ({step.number}, '{step.name}')")
    return [step.number for step in missing]


def check(warehouse: Warehouse) -> None:
    """SetupError if the tables are not those of this program."""
    with told(warehouse.address):
        done = _applied(warehouse)
    known = migrations()
    _refuse_newer(warehouse, done, known)
    if missing := [step.number for step in known if step.number not in done]:
        message = f"its tables are of an older taximeter: migration {missing[0]} is missing"
        hint = "`taximeter ship RUN --to ADDRESS` brings them up to date"
        raise SetupError(Problem(message, hint, path=str(warehouse.address)))


def _applied(warehouse: Warehouse) -> set[int]:
    return {number for (number,) in warehouse.query("SELECT DISTINCT number FROM taximeter_migrations").result_rows}


def _refuse_newer(warehouse: Warehouse, done: set[int], known: list[Migration]) -> None:
    if newer := done - {step.number for step in known}:
        message = f"its tables are of a newer taximeter: migration {max(newer)} is unknown here"
        raise SetupError(Problem(message, "pip install --upgrade taximeter", path=str(warehouse.address)))


def _migration(name: str) -> Migration:
    number, _, title = name.removesuffix(".sql").partition("_")
    return Migration(int(number), title, (files("taximeter.query.warehouse") / "migrations" / name).read_text())
