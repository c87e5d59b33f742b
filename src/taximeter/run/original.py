"""What an artifact held before it was stamped: run id and time are new in each run, though nothing has changed."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from taximeter.journal.reader import UNREADABLE
from taximeter.rundir import replace

_NEW_EACH_TIME = frozenset({"run_id", "created_at"})


class Original(msgspec.Struct, frozen=True, tag="stamped_v1", tag_field="schema_version"):
    """Kept beside an artifact that was stamped; of another size or time of change, it is not the one any more."""

    size: int
    mtime_ns: int
    sha256: str
    """Of the rows as their program wrote them, and of the stamps that are the same in each run."""


class Rows:
    """Rows before they are stamped, as one number."""

    def __init__(self, stamps: Mapping[str, str]) -> None:
        same = {name: value for name, value in stamps.items() if name not in _NEW_EACH_TIME}
        self._digest = hashlib.sha256(msgspec.json.encode(same, order="sorted"))
        self.add = self._digest.update

    def keep(self, artifact: Path, stamped: Path) -> None:
        """Keeps it for the artifact, which the stamped file is about to become."""
        about = stamped.stat()
        original = Original(about.st_size, about.st_mtime_ns, self._digest.hexdigest())
        replace(_beside(artifact), msgspec.json.encode(original))


def keep_joined(parts: Sequence[Path], artifact: Path, joined: Path) -> None:
    """Keeps the same for the artifact, which the joined file is about to become, if all its parts were stamped."""
    digests = [original_digest(part) for part in parts]
    if all(digests):
        about = joined.stat()
        whole = hashlib.sha256(msgspec.json.encode(digests)).hexdigest()
        replace(_beside(artifact), msgspec.json.encode(Original(about.st_size, about.st_mtime_ns, whole)))


def original_digest(artifact: Path) -> str | None:
    """What an artifact held before it was stamped; None if it was not, or was changed since."""
    try:
        known = msgspec.json.decode(_beside(artifact).read_bytes(), type=Original)
        about = artifact.stat()
    except (OSError, *UNREADABLE):
        return None
    return known.sha256 if (known.size, known.mtime_ns) == (about.st_size, about.st_mtime_ns) else None


def _beside(artifact: Path) -> Path:
    return artifact.with_name(f"{artifact.name}.stamped")
