"""The HTTP interface of ClickHouse, in front of the embedded engine: what a client sees of a server, on 127.0.0.1.

Real are the engine, its SQL and its errors. Users and rights, which an embedded engine does not have, are made up here:
`writer` may do all, `reader` may only ask, each with the password that is given.

`python tests/clickhouse_front.py FOLDER PASSWORD` prints the port.
"""

from __future__ import annotations

import base64
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import chdb
from clickhouse_connect.driver._backend.chdb_backend import CHDB_TRANSPORT_SETTINGS

NOT_SETTINGS = CHDB_TRANSPORT_SETTINGS | {"query"}
WRITES = re.compile(r"\s*(INSERT|CREATE|ALTER|DROP)\b", re.IGNORECASE)


class Refused(Exception):
    def __init__(self, code: int, text: str) -> None:
        super().__init__(f"Code: {code}. DB::Exception: {text}")


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    folder: Path
    password: str

    def do_GET(self) -> None:
        self.do_POST()

    def do_POST(self) -> None:
        asked = {
            name: values[0] for name, values in parse_qs(urlsplit(self.path).query, keep_blank_values=True).items()
        }
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        try:
            self._answer(200, self._carry_out(asked, body))
        except (Refused, RuntimeError) as error:
            text = str(error)
            code = re.search(r"Code: (\d+)", text)
            self._answer(500, text.encode(), code[1] if code else "1000")

    def _carry_out(self, asked: dict[str, str], body: bytes) -> bytes:
        user, _, password = (
            base64.b64decode(self.headers["Authorization"].removeprefix("Basic ")).decode().partition(":")
        )
        if user not in {"writer", "reader"} or password != self.password:
            raise Refused(516, f"{user}: Authentication failed: password is incorrect, or there is no user. (X)")
        sql = asked.get("query") or body.decode()
        if user == "reader" and WRITES.match(sql):
            raise Refused(497, f"{user}: Not enough privileges. To execute this query, it's necessary to have a grant")
        with engine(self.folder) as connection:
            if asked.get("database"):
                connection.query(f"USE `{asked['database']}`")
            for name in asked.keys() - NOT_SETTINGS:
                if not name.startswith("param_"):
                    connection.query(f"SET {name} = '{asked[name]}'")
            parameters = {name.removeprefix("param_"): asked[name] for name in asked if name.startswith("param_")}
            if "query" not in asked:
                return connection.query(sql, "TabSeparated", params=parameters).bytes()
            with tempfile.NamedTemporaryFile(dir=self.folder.parent) as file:
                file.write(body)
                file.flush()
                into, _, kind = sql.strip().rpartition("FORMAT")
                return connection.query(f"{into} FROM INFILE '{file.name}' FORMAT {kind}").bytes()

    def _answer(self, status: int, content: bytes, code: str | None = None) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("X-ClickHouse-Server-Display-Name", "embedded")
        if code:
            self.send_header("X-ClickHouse-Exception-Code", code)
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name of the base class
        pass


@contextmanager
def engine(folder: Path) -> Iterator[chdb.Connection]:
    """A handle of its own for each request: the engine works on several at once, as a server does."""
    connection = chdb.connect(str(folder))
    try:
        yield connection
    finally:
        connection.close()


def main() -> None:
    Handler.folder, Handler.password = Path(sys.argv[1]).resolve(), sys.argv[2]
    with engine(Handler.folder) as kept:  # or the engine would end between two requests
        kept.query("CREATE DATABASE IF NOT EXISTS taximeter")
        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        print(server.server_address[1], flush=True)
        server.serve_forever()


if __name__ == "__main__":
    main()
