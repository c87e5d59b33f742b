"""A connection to a warehouse: rows go in, questions are asked, and what goes wrong is told in our words."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import clickhouse_connect
import pyarrow as pa
from clickhouse_connect.driver import Client
from clickhouse_connect.driver.exceptions import ClickHouseError, Error
from clickhouse_connect.driver.query import QueryResult

from taximeter.query.warehouse.address import Address, Embedded, Server, identifier
from taximeter.query.warehouse.trouble import refused, unreachable

_CONNECT_SECONDS, _ANSWER_SECONDS = 10, 300

_INSERT = {
    "async_insert": 0,  # an insert that is answered is on the disk
    "distributed_foreground_insert": 1,  # on that of its shard, too
    "max_partitions_per_insert_block": 0,  # calls of many days may come together
}

logging.getLogger("clickhouse_connect").addHandler(logging.NullHandler())  # it would print what we tell ourselves


class Warehouse:
    """An open warehouse. Threads may not share it."""

    def __init__(self, address: Address, client: Client) -> None:
        self.address = address
        self._client = client

    def insert(self, table: str, rows: pa.RecordBatch) -> None:
        """Puts rows into a table; when it returns they are there."""
        with told(self.address):
            self._client.insert_arrow(table, pa.Table.from_batches([rows]), settings=_INSERT)

    def make_database(self) -> None:
        """Makes the database of an embedded engine if it is not there; that of a server is its owner's to make."""
        if isinstance(self.address, Embedded):
            with told(self.address):
                name = identifier(self.address.database)
                self._client.command(f"CREATE DATABASE IF NOT EXISTS {name}", use_database=False)

    def execute(self, sql: str) -> None:
        """Carries out a statement that has no answer."""
        with told(self.address):
            self._client.command(sql)

    def query(self, sql: str, parameters: Mapping[str, Any] | None = None) -> QueryResult:
        """Rows with their types; times know their zone. An error of the driver is its own."""
        return self._client.query(sql, parameters=dict(parameters or {}), tz_mode="aware")

    def arrow(self, sql: str, parameters: Mapping[str, Any]) -> pa.Table:
        """The same as a table of Arrow."""
        return self._client.query_arrow(sql, parameters=dict(parameters))

    def only_ask(self) -> None:
        """From now on nothing can be changed, and no answer counts a row that another one has replaced."""
        known = self._client.server_settings
        with told(self.address):
            for name, value in (("final", "1"), ("readonly", "2")):
                if known[name].value == "0":
                    self._client.set_client_setting(name, value)

    def close(self) -> None:
        """Lets the connection go; an embedded engine is free for another process then."""
        self._client.close()


@contextmanager
def open_warehouse(address: Address) -> Iterator[Warehouse]:
    """The warehouse at an address, which exists; SetupError that says what is wrong with it."""
    warehouse = Warehouse(address, _client(address))
    try:
        yield warehouse
    finally:
        warehouse.close()


@contextmanager
def told(address: Address) -> Iterator[None]:
    """Tells what the driver raises as a SetupError that names the place and how to mend it."""
    try:
        yield
    except Error as error:
        if error.code is None:
            raise unreachable(address, error) from None
        raise refused(address, error.code, str(error)) from None
    except ClickHouseError as error:
        raise unreachable(address, error) from None


def _client(address: Address) -> Client:
    with told(address):
        match address:
            case Embedded():
                return _embedded(address)
            case Server():
                return clickhouse_connect.get_client(
                    host=address.host,
                    port=address.port,
                    username=address.user,
                    password=address.password,
                    database=address.database,
                    interface="https" if address.secure else "http",
                    connect_timeout=_CONNECT_SECONDS,
                    send_receive_timeout=_ANSWER_SECONDS,
                    client_name="taximeter",
                    autogenerate_session_id=False,  # nothing is kept on the server, so questions can be asked at once
                )


def _embedded(address: Embedded) -> Client:
    client = clickhouse_connect.get_client(interface="chdb", path=str(address.path))
    client.database = address.database
    return client
