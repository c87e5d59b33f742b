"""Where a warehouse is: `clickhouse://user:password@host:port/database`, or the folder of an embedded one.

TLS is asked for by `clickhouses://`, by `?secure=true`, as other clients have it, or by a port that is known for it.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

import msgspec

from taximeter.errors import Problem, SetupError
from taximeter.redact import hide

DATABASE = "taximeter"
"""The database of an address that names none."""

PASSWORD = "CLICKHOUSE_PASSWORD"
"""The variable that has the password if the address has none: an address is seen by all who list processes."""

_PORTS = {"clickhouse": 8123, "clickhouses": 8443}
_SECURE_PORTS = (443, 8443)
_SECURE = {"true": True, "1": True, "false": False, "0": False}
_OF_FOLDER = "?database="
_PLAIN, _SPECIAL = re.compile(r"[A-Za-z_][A-Za-z0-9_]*"), re.compile(r'["\\]')
_FORMS = "clickhouse://user:password@host:8123/database, clickhouses://… with TLS, or chdb://FOLDER"


class Embedded(msgspec.Struct, frozen=True):
    """A folder in which the engine itself works, inside this process; one process at a time."""

    path: Path
    database: str = DATABASE

    def __str__(self) -> str:
        return f"chdb://{self.path}" + (f"{_OF_FOLDER}{self.database}" if self.database != DATABASE else "")


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
        folder, _, database = rest.partition(_OF_FOLDER)
        return Embedded(Path(folder), database or DATABASE)
    if not separator or scheme not in _PORTS:
        raise SetupError(Problem("this is not the address of a warehouse", f"it looks like {_FORMS}"))
    try:
        return _server(urlsplit(text), env)
    except ValueError:
        hint = "write a sign of a password that has a meaning of its own as its number: %40 for @, %2F for /, %3F for ?"
        raise SetupError(Problem("the address of the warehouse cannot be read", hint)) from None


def _server(url: SplitResult, env: Mapping[str, str]) -> Server:
    """ValueError if a part of it is not what it should be."""
    if url.fragment or "@" in url.path + url.query:
        raise ValueError("a password goes on where the host should have ended")
    if not url.hostname:
        raise SetupError(Problem("the address of the warehouse names no host", f"it looks like {_FORMS}"))
    password = unquote(url.password or "") or env.get(PASSWORD, "")
    hide([password])
    secure = _secure(url)
    port = url.port or _PORTS["clickhouses" if secure else "clickhouse"]
    return Server(
        host=url.hostname,
        port=port,
        database=unquote(url.path.strip("/")) or DATABASE,
        user=unquote(url.username or "") or "default",
        password=password,
        secure=secure,
    )


def _secure(url: SplitResult) -> bool:
    """Whether TLS is asked for; what else stands behind `?` is refused: whoever wrote it relies on it."""
    asked = {name: value.lower() for name, value in parse_qsl(url.query, keep_blank_values=True)}
    if asked.keys() - {"secure"} or asked.get("secure", "true") not in _SECURE:
        message = "behind ? the address of a warehouse may only say secure=true or secure=false"
        raise SetupError(Problem(message, "the database stands behind the /; all else is the server's to set"))
    by_port = url.port in _SECURE_PORTS
    return url.scheme == "clickhouses" or _SECURE.get(asked.get("secure", ""), by_port)


def identifier(name: str) -> str:
    """A name as it is written in SQL."""
    return name if _PLAIN.fullmatch(name) else '"' + _SPECIAL.sub(r"\\\g<0>", name) + '"'
