"""The one seam through which attempts of stages are run, wherever that is."""

from __future__ import annotations

from typing import NamedTuple, Protocol

import msgspec

from taximeter.ledger.figures import Figures
from taximeter.run.messages import Launch


class Key(NamedTuple):
    """Names an attempt within its run."""

    stage_id: str
    shard: int | None
    """None: the stage has no shards."""

    attempt: int


class Task(Launch, frozen=True, kw_only=True):
    """One attempt of a stage, or of a shard of it: all that whoever runs it must know. It can be pickled."""

    run_id: str
    run_dir: str
    """The true run directory. What the paths here, `env` and `argv` say lies in it is to be found in it at the end."""

    stage_id: str
    shard: int | None = None
    attempt: int
    inputs: dict[str, str] = msgspec.field(default_factory=dict)
    """Paths of what it reads, by name."""

    outputs: tuple[str, ...] = ()
    """Paths of what it makes."""

    cpus: float = 1.0
    memory: int = 0
    """Bytes that it says it takes."""

    gpus: float = 0.0

    timeout: float | None = None
    """Seconds that it may take, for engines that ask before they give room; the driver ends it."""

    @property
    def key(self) -> Key:
        """Its name in all events."""
        return Key(self.stage_id, self.shard, self.attempt)


class Started(msgspec.Struct, frozen=True):
    """The process of an attempt runs."""

    key: Key
    node: str | None = None
    """The machine that runs it; None is this one."""

    ago: float = 0.0
    """Seconds since it began."""


class Done(msgspec.Struct, frozen=True):
    """Nothing of an attempt is left, and all that it wrote is in the run directory."""

    key: Key
    figures: Figures
    gaps: tuple[str, ...] = ()
    """Files that did not come home as they were, from the run directory."""


class Lost(msgspec.Struct, frozen=True):
    """Nobody will ever know how an attempt ended. What came of it to the run directory counts."""

    key: Key
    reason: str


class Broken(msgspec.Struct, frozen=True):
    """The executor can run nothing any more, and all that it ran is lost."""

    reason: str


Event = Started | Done | Lost | Broken


class Caps(msgspec.Struct, frozen=True):
    """What an executor has to give."""

    cpus: float
    """CPUs that stages take at a time, if a person does not say how many."""

    memory: float
    """Bytes that stages may take at a time."""

    gpus: float
    """GPUs that stages may take at a time."""

    is_here: bool
    """Whether stages run on this machine: they come to what listens on its 127.0.0.1."""

    ahead: float = 0.0
    """Stages of one CPU each that it likes to have besides: they wait beside what runs, so that no worker waits for the
    driver."""


class Executor(Protocol):
    """Runs each task once: whether there is another attempt, and when one has had its time, is the driver's decision.

    It never waits but in `poll` and `close`, and never raises for what becomes of a task.
    """

    caps: Caps

    def submit(self, task: Task) -> None:
        """Has a task run. Its last event is `Done` or `Lost`, whatever happens, unless `Broken` comes first."""
        ...

    def poll(self, timeout: float) -> list[Event]:
        """What has happened since the last time, waited for if nothing has, for so many seconds.

        An event may come more than once; after the last one of a task the others mean nothing.
        """
        ...

    def cancel(self, key: Key, grace: float) -> None:
        """Sends TERM to every process of a task, and KILL to what is left after `grace` seconds; at once if it is 0.

        A task that has ended, or was never submitted, is left alone. A later order can only bring the end nearer.
        """
        ...

    def fileno(self) -> int:
        """For a selector: readable when `poll` has something to give."""
        ...

    def close(self) -> None:
        """Lets go of everything; what still runs is killed."""
        ...
