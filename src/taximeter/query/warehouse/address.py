"""Where a warehouse is: `clickhouse://user:password@host:port/database`, or the folder of an embedded one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, unquote, urlsplit

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.redact import hide

DATABASE = "taximeter"
"""The database of an address that names none."""

PASSWORD = "CLICKHOUSE_PASSWORD"
"""The variable that has the password if the address has none: an address is seen by all who list processes."""

_PORTS = {"clickhouse": 8123, "clickhouses": 8443}
_SECURE_PORTS = (443, 8443)
_FORMS = "clickhouse://user:password@host:8123/database, clickhouses://… with TLS, or chdb://FOLDER"


class Embedded(msgspec.Struct, frozen=True):
    """A folder in which the engine itself works, inside this process; one process at a time."""

    path: Path
    database: str = DATABASE

    def __str__(self) -> str:
        return f"chdb://{self.path}"


class Server(msgspec.Struct, frozen=True):
    """A server, by its HTTP interface. As text it has neither user nor password."""

    host: str
    port: int
    database: str
    user: str
    password: str
    secure: bool

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'clickhouses' if self.secure else 'clickhouse'}://{host}:{self.port}/{self.database}"

    __repr__ = __str__


Address = Embedded | Server


def parse_address(text: str, env: Mapping[str, str] = os.environ) -> Address:
    """The warehouse that a person means; SetupError, without the address itself, if it is none."""
    scheme, separator, rest = text.partition("://")
    if scheme == "chdb" and rest:
        return Embedded(Path(rest))
    if not separator or scheme not in _PORTS:
        raise SetupError(Problem("this is not the address of a warehouse", f"it looks like {_FORMS}"))
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError:
        raise SetupError(
            Problem("the address of the warehouse cannot be read", "write @, / and : in a password as %40, %2F and %3A")
        ) from None
    return _server(url, port, env)


def _server(url: SplitResult, port: int | None, env: Mapping[str, str]) -> Server:
    if not url.hostname:
        raise SetupError(Problem("the address of the warehouse names no host", f"it looks like {_FORMS}"))
    password = unquote(url.password or "") or env.get(PASSWORD, "")
    hide([password])
    port = port or _PORTS[url.scheme]
    return Server(
        host=url.hostname,
        port=port,
        database=unquote(url.path.strip("/")) or DATABASE,
        user=unquote(url.username or "") or "default",
        password=password,
        secure=url.scheme == "clickhouses" or port in _SECURE_PORTS,
    )
