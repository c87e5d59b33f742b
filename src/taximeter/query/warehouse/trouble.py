"""What goes wrong with a warehouse: what, where, and how to mend it. Neither user info nor a password is in it."""

from __future__ import annotations

from taximeter.errors import Problem, SetupError
from taximeter.query.warehouse.address import PASSWORD, Address, Embedded, Server, identifier
from taximeter.redact import HIDDEN

_UNKNOWN_DATABASE, _UNKNOWN_TABLE = 81, 60
_READ_ONLY, _NO_RIGHTS = 164, 497
_WRONG_USER = frozenset({192, 193, 194, 516})
_LONGEST = 300
_SHIP = "`taximeter ship RUN --to ADDRESS`"


def nothing_there(address: Embedded) -> SetupError:
    """No engine has worked in that folder, and a question does not begin it."""
    return _at(address, Problem("there is no warehouse in this folder", f"{_SHIP} makes one"))


def unreachable(address: Address, error: Exception) -> SetupError:
    """Nobody answers there, or somebody who is no ClickHouse."""
    if isinstance(address, Embedded):
        problem = Problem(
            "the folder of the warehouse cannot be opened",
            "it must be a folder to which you may write, and one process at a time has it open; several need a server",
        )
    else:
        problem = Problem(
            f"no ClickHouse answers: {_reason(address, error)}",
            "is it running? The port is that of HTTP, 8123 as a rule, or that of HTTPS, 8443 (clickhouses://)",
        )
    return _at(address, problem)


def refused(address: Address, code: int, text: str) -> SetupError:
    """The server answers that it will not."""
    user = address.user if isinstance(address, Server) else ""
    database = identifier(address.database)
    if code in _WRONG_USER:
        hint = (
            f"a sign like @ or / in a password is written as %40 or %2F; it may also stand in the variable {PASSWORD}"
        )
        return _at(address, Problem(f"there is no user {user!r} with this password", hint))
    if code == _UNKNOWN_DATABASE:
        made = f"`CREATE DATABASE {database}` there" if isinstance(address, Server) else f"{_SHIP} makes it"
        hint = f"{made}, or name another one at the end of the address"
        return _at(address, Problem(f"there is no database {address.database!r}", hint))
    if code == _UNKNOWN_TABLE and "taximeter_migrations" in text:
        hint = f"{_SHIP} makes them"
        return _at(address, Problem(f"there are no tables of taximeter in the database {address.database!r}", hint))
    if code in {_READ_ONLY, _NO_RIGHTS}:
        whom = identifier(user)
        hint = (
            f"to ship: GRANT SELECT, INSERT, CREATE TABLE, CREATE VIEW ON {database}.* TO {whom};\n"
            f"to ask: GRANT SELECT ON {database}.* TO {whom}; ALTER USER {whom} SETTINGS final = 1"
        )
        return _at(address, Problem(f"the user {user!r} may not do this: {said(address, text)}", hint))
    return _at(address, Problem(f"the warehouse answers: {said(address, text)}"))


def _at(address: Address, problem: Problem) -> SetupError:
    return SetupError(Problem(problem.message, problem.hint, path=str(address)))


def _reason(address: Address, error: Exception) -> str:
    """Of what the driver says only the innermost cause: around it are addresses."""
    cause: BaseException = error
    while (inner := cause.__cause__ or getattr(cause, "reason", None)) and isinstance(inner, BaseException):
        cause = inner
    text = str(cause)
    return said(address, text.rpartition(": ")[2] if isinstance(cause, OSError) or "Connection" in text else text)


def said(address: Address, text: str) -> str:
    """The first line of what the server says, without the driver's words around it."""
    said = text.rpartition("DB::Exception: ")[2].strip().partition("\n")[0]
    line = said.partition(" (for url ")[0][:_LONGEST]
    password = address.password if isinstance(address, Server) else ""
    return line.replace(password, HIDDEN) if password else line
