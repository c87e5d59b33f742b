"""Answers what lies in the folder of a stage."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

import msgspec
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from taximeter.redact import without_secrets
from taximeter.rundir import SHARDS
from taximeter.web.feed import Feed
from taximeter.web.files import (
    ACTIVE,
    IMAGES,
    Listing,
    LogTail,
    is_log,
    kind_of,
    list_files,
    log_tail,
    look_into,
    open_in,
)
from taximeter.web.queries import number

_TAIL, _MOST_TAIL = 65_536, 1_000_000
_ROWS, _MOST_ROWS = 200, 5_000
_LARGEST = 256_000_000
"""Bytes of a file that is handed out; a larger one is better copied from the disk."""

_CHUNK = 1 << 18
_HARMLESS = "default-src 'none'; sandbox"
"""Policy of foreign content: it may do nothing and load nothing, wherever it is shown."""


class Artifacts:
    """Answers for the stages of the runs that `feed_of` knows."""

    def __init__(self, feed_of: Callable[[Request], Feed]) -> None:
        self._feed_of = feed_of

    def log(self, request: Request) -> Response:
        """The end of a log."""
        feed, folder = self._place(request)
        if folder is None:
            return _json(LogTail(None, [], 0, 0, ""))
        attempt, shard = int(number(request, "attempt", 0, least=0)) or None, int(number(request, "shard", -1))
        place = folder if shard < 0 else f"{folder}/{SHARDS}/{shard}"
        tail = log_tail(feed.run, place, attempt, int(number(request, "tail", _TAIL, least=1, most=_MOST_TAIL)))
        return _json(tail)

    def list(self, request: Request) -> Response:
        """The files."""
        feed, folder = self._place(request)
        if folder is None:
            return _json(Listing("", None, [], truncated=False))
        stage_id = request.path_params["stage"]
        artifact = next((stage.artifact for stage in feed.look().stages if stage.id == stage_id), None)
        return _json(list_files(feed.run, folder, artifact))

    def file(self, request: Request) -> Response:
        """One file: its beginning, or all of it."""
        feed, folder = self._place(request)
        if folder is None:
            raise HTTPException(404, "the stage has no folder")
        path = request.path_params["path"]
        file = open_in(feed.run, folder, path)
        if "rows" in request.query_params:
            with file:
                return _json(look_into(file, path, int(number(request, "rows", _ROWS, least=1, most=_MOST_ROWS))))
        size = os.fstat(file.fileno()).st_size
        if size > _LARGEST:
            file.close()
            raise HTTPException(413, f"the file has {size} bytes: copy it from the run directory")
        as_text = request.query_params.get("as") == "text"
        headers = _headers(path, as_text=as_text)
        if is_log(path):
            return _Handed(file, _lines(file, size), headers)
        return _Handed(file, _chunks(file, size), headers | {"content-length": str(size)})

    def _place(self, request: Request) -> tuple[Feed, str | None]:
        """The run, and the folder of the stage; a stage inside a program has none."""
        feed = self._feed_of(request)
        return feed, feed.folder(request.path_params["stage"])


def _headers(path: str, *, as_text: bool) -> dict[str, str]:
    """How a file is handed out: a picture as one, text as text, and all else as a download."""
    pure = PurePosixPath(path)
    suffix = pure.suffix.lower()
    shown = as_text or (suffix not in ACTIVE and kind_of(path) != "other")
    media_type = "text/plain; charset=utf-8" if as_text else IMAGES.get(suffix, "text/plain; charset=utf-8")
    if not shown:
        media_type = "application/octet-stream"
    return {
        "content-type": media_type,
        "content-disposition": f"{'inline' if shown else 'attachment'}; filename*=UTF-8''{quote(pure.name, safe='')}",
        "content-security-policy": _HARMLESS,
    }


class _Handed(StreamingResponse):
    """A file on its way. It is closed in any case, also if whoever asked has gone."""

    def __init__(self, file: BinaryIO, content: Iterator[bytes], headers: dict[str, str]) -> None:
        super().__init__(content, headers=headers)
        self._file = file

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """ASGI."""
        with self._file:
            await super().__call__(scope, receive, send)


def _chunks(file: BinaryIO, size: int) -> Iterator[bytes]:
    """What the file held when it was opened: it may grow meanwhile; if it shrinks, the rest is missing."""
    while size > 0 and (chunk := file.read(min(_CHUNK, size))):
        size -= len(chunk)
        yield chunk


def _lines(file: BinaryIO, size: int) -> Iterator[bytes]:
    """The lines that a log held when it was opened, without what looks like a secret."""
    while size > 0 and (line := file.readline(min(_CHUNK, size))):
        size -= len(line)
        yield without_secrets(line.decode("utf-8", "replace")).encode()


def _json(found: msgspec.Struct) -> Response:
    return Response(msgspec.json.encode(found), media_type="application/json")
