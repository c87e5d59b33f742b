"""Questions to a warehouse."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import pyarrow as pa
from clickhouse_connect.driver.exceptions import Error

from taximeter.errors import Problem, SetupError
from taximeter.query.answer import Answer, Dialect
from taximeter.query.warehouse.address import Address, Embedded
from taximeter.query.warehouse.connect import Warehouse, open_warehouse, told
from taximeter.query.warehouse.migrate import check
from taximeter.query.warehouse.trouble import nothing_there, said
from taximeter.query.zone import local_zone

_TABLES = "runs, stages, attempts, spans, calls, line_items, costs, cost_by_day, cost_by_model, cost_by_stage"
_NOT_OF_THE_QUESTION = frozenset({192, 193, 194, 497, 516})


class WarehouseStore:
    """The runs of a warehouse as tables; a row that was replaced counts no more."""

    dialect: Dialect = "clickhouse"
    left_out: tuple[str, ...] = ()

    def __init__(self, warehouse: Warehouse) -> None:
        self._warehouse = warehouse
        self._zone = local_zone()

    def ask(self, sql: str, parameters: Mapping[str, Any] | None = None) -> Answer:
        """The answer to a question; `{zone:String}` in it is the time zone of whoever asks."""
        known = {"zone": self._zone, **(parameters or {})}
        with self._understood():
            result = self._warehouse.query(sql, known)
            if not result.column_names:  # an answer without rows does not tell its columns
                described = self._warehouse.query(f"DESCRIBE TABLE ({sql.strip().rstrip(';')}\n)", known)
                return Answer([row[:2] for row in described.result_rows], [])
        zone = ZoneInfo(self._zone)
        names = [kind.name for kind in result.column_types]
        rows = [tuple(_local(value, zone) for value in row) for row in result.result_rows]
        return Answer(list(zip(result.column_names, names, strict=True)), rows)

    def arrow(self, sql: str) -> pa.Table:
        """The answer as a table of Arrow."""
        with self._understood():
            return self._warehouse.arrow(sql, {"zone": self._zone})

    @contextmanager
    def _understood(self) -> Iterator[None]:
        try:
            yield
        except Error as error:
            if error.code is None or error.code in _NOT_OF_THE_QUESTION:
                with told(self._warehouse.address):
                    raise
            reason = said(self._warehouse.address, str(error))
            hint = f"the tables are {_TABLES}; `DESCRIBE calls` shows the columns of one"
            raise SetupError(Problem(f"the question cannot be answered: {reason}", hint)) from None


@contextmanager
def open_store(address: Address) -> Iterator[WarehouseStore]:
    """The runs of the warehouse at an address; SetupError if there are none of this program."""
    if isinstance(address, Embedded) and not (address.path / "metadata").exists():  # the engine would make it
        raise nothing_there(address)
    with open_warehouse(address) as warehouse:
        check(warehouse)
        warehouse.only_ask()
        yield WarehouseStore(warehouse)


def _local(value: Any, zone: ZoneInfo) -> Any:
    return value.astimezone(zone) if isinstance(value, datetime) and value.tzinfo else value
