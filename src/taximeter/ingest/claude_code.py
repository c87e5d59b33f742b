"""What Claude Code logged of its sessions: JSON lines under `~/.claude/projects/<project>/<session>.jsonl`.

An answer that is streamed is logged again and again, with a usage that grows: the last entry of a message counts. A
session that is resumed begins with a copy of the one before: a message counts once, in the session that began first.
Source: logs of Claude Code 2.0 (fields `message.id`, `requestId`, `sessionId`, `isSidechain`, `cwd`, `timestamp`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path, PurePath
from typing import Any

import msgspec

from taximeter.events import CallEvent
from taximeter.journal.reader import UNREADABLE, LineReader
from taximeter.normalize import anthropic
from taximeter.normalize.reading import Reading, UsageError
from taximeter.recorder.reading import call_of

_NOT_ASKED = "<synthetic>"
"""The model of messages that Claude Code made itself."""


class _Kind(msgspec.Struct, frozen=True):
    """What a line is about."""

    type: str = ""


class _Entry(msgspec.Struct, frozen=True, rename="camel"):
    """A line that is about an answer."""

    message: dict[str, Any]
    session_id: str
    timestamp: datetime
    request_id: str | None = None
    is_sidechain: bool = False
    cwd: str | None = None
    git_branch: str | None = None


class Session(msgspec.Struct):
    """The calls of one session."""

    id: str
    project: str
    calls: list[CallEvent] = []


class Logs:
    """The sessions that a folder of logs tells of."""

    def __init__(self, folder: Path) -> None:
        self.unreadable = 0
        """Lines that are no JSON, or whose usage cannot be true."""

        self._folder = folder

    def sessions(self, since: float = 0.0) -> list[Session]:
        """Sessions with calls from `since` on (seconds since the epoch), in the order of their first calls."""
        latest: dict[tuple[str, str | None], _Entry] = {}
        for entry in sorted(self._entries(), key=lambda entry: entry.timestamp):
            key = (str(entry.message.get("id") or id(entry)), entry.request_id)
            known = latest.get(key)
            # The usage is that of the last one, all else that of the first.
            latest[key] = entry if known is None else msgspec.structs.replace(known, message=entry.message)
        sessions: dict[str, Session] = {}
        for entry in latest.values():
            if entry.timestamp.timestamp() < since:
                continue
            calls = list(self._calls(entry))
            if calls:
                project = PurePath(entry.cwd or "unknown").name or "unknown"
                session = sessions.setdefault(entry.session_id, Session(entry.session_id, project, []))
                session.calls += calls
        return list(sessions.values())

    def _entries(self) -> Iterator[_Entry]:
        for path in sorted(self._folder.glob("**/*.jsonl")):
            reader = LineReader(path)
            for line in (*reader.lines(), *filter(None, [reader.tail()])):
                if b'"usage"' not in line.data:
                    continue
                try:
                    entry = _entry.decode(line.data) if _kind.decode(line.data).type == "assistant" else None
                except UNREADABLE:
                    self.unreadable += 1
                    continue
                if entry is not None and entry.message.get("model") != _NOT_ASKED:
                    yield entry

    def _calls(self, entry: _Entry) -> Iterator[CallEvent]:
        try:
            readings = anthropic.read(entry.message)
        except UsageError:
            self.unreadable += 1
            return
        for reading in readings:
            yield _call(entry, reading)


_kind = msgspec.json.Decoder(_Kind)
_entry = msgspec.json.Decoder(_Entry)


def _call(entry: _Entry, reading: Reading) -> CallEvent:
    call, tags = call_of(reading, None), {"project": PurePath(entry.cwd or "unknown").name, "branch": entry.git_branch}
    call.session_id, call.stage_id = entry.session_id, "subagents" if entry.is_sidechain else "main"
    call.request_id, call.started_at = entry.request_id, entry.timestamp.timestamp()
    call.captured_by = "claude-code"
    call.tags = {name: text for name, text in tags.items() if text}
    return call
