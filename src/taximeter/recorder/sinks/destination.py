"""The address of a collector."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from urllib.parse import urlsplit

import msgspec

from taximeter.errors import Problem, SetupError

_DEFAULT_PATH = "/v1/events"


class Destination(msgspec.Struct, frozen=True):
    """Where batches are posted."""

    scheme: str
    """`http` or `https`."""

    host: str
    port: int | None
    path: str
    """Path and query."""

    token: str | None
    """What the collector asks for, sent as a bearer token."""

    @property
    def shown(self) -> str:
        """The address for people, without any secret."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}{'' if self.port is None else f':{self.port}'}{self.path.partition('?')[0]}"

    @property
    def place(self) -> Path:
        """Where its events wait. Another token is another destination: it may stand for another project."""
        whole = repr((self.scheme, self.host, self.port, self.path, self.token))
        name = f"{self.host.replace(':', '-')}~{hashlib.sha256(whole.encode()).hexdigest()[:16]}"
        return _state_home() / "taximeter" / "spool" / name


def destination(url: str, token: str | None) -> Destination:
    """The destination of a URL; without a path it is `/v1/events`. SetupError, with what to write, if it is none."""
    try:
        parts = urlsplit(url)
        port = parts.port
        host = (parts.hostname or "").encode("idna").decode()
    except ValueError as error:
        raise _refused(url, str(error)) from None
    path = (parts.path if parts.path not in ("", "/") else _DEFAULT_PATH) + (f"?{parts.query}" if parts.query else "")
    if parts.scheme not in ("http", "https"):
        raise _refused(url, "only http and https are spoken")
    if not host:
        raise _refused(url, "it names no host")
    if parts.username or parts.password:
        raise _refused(url, "a secret does not belong into an address: put the token into TAXIMETER_HTTP_TOKEN")
    if not (path.isascii() and path.isprintable()) or " " in path:
        raise _refused(url, "its path has characters that must be percent-encoded")
    if token is not None and not (token.isascii() and token.isprintable()):
        raise SetupError(Problem("the token has characters that no header can hold", hint="copy it again, one line"))
    return Destination(parts.scheme, host, port, path, token)


def _refused(url: str, reason: str) -> SetupError:
    shown = url.rpartition("@")[2]  # never a secret
    return SetupError(
        Problem(
            f"events cannot be sent to {shown!r}: {reason}", hint="write it as http://HOST:PORT or https://HOST/PATH"
        )
    )


def _state_home() -> Path:
    given = Path(os.environ.get("XDG_STATE_HOME", ""))
    return given if given.is_absolute() else Path("~/.local/state").expanduser()
