"""Tasks on this machine: each gets a supervisor of the forkserver."""

from __future__ import annotations

import os
import selectors
from collections.abc import Iterator

from taximeter.run import messages
from taximeter.run.executor import Broken, Caps, Done, Event, Key, Lost, Started, Task
from taximeter.run.launcher import Forkserver, StageHandle
from taximeter.run.machine import gpus, memory_bytes

_BELL = object()
"""Marks what rings where nobody else would wake whoever waits."""


class Local:
    """An executor over a forkserver, which it does not close."""

    def __init__(self, forkserver: Forkserver) -> None:
        self.caps = Caps(cpus=1.0, memory=memory_bytes(), gpus=gpus(), is_here=True)
        self._forkserver = forkserver
        self._handles: dict[Key, StageHandle] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(forkserver, selectors.EVENT_READ)
        self._unstarted: list[Lost] = []
        self._bell, self._rope = os.pipe()
        self._selector.register(self._bell, selectors.EVENT_READ, _BELL)

    def submit(self, task: Task) -> None:
        """Launches the task; for one too many `poll` says that it is lost."""
        try:
            handle = self._handles[task.key] = self._forkserver.launch(task)
        except OSError as error:
            reason = f"it could not be started: {error.strerror}; with fewer --jobs it can"
            self._unstarted.append(Lost(task.key, reason))
            os.write(self._rope, b"!")
            return
        self._selector.register(handle, selectors.EVENT_READ, task.key)

    def poll(self, timeout: float) -> list[Event]:
        """What the supervisors have told since the last time."""
        events: list[Event] = []
        for ready, _ in self._selector.select(timeout):
            if ready.data is None:
                return [*events, self._forkserver_died()]
            events += self._told_off() if ready.data is _BELL else self._read(ready.data)
        return events

    def cancel(self, key: Key, grace: float) -> None:
        """Passes it on to the supervisor."""
        handle = self._handles.get(key)
        if handle is None:
            return
        if grace:
            handle.stop(grace)
        else:
            handle.kill()

    def fileno(self) -> int:
        """For a selector."""
        return self._selector.fileno()

    def close(self) -> None:
        """Supervisors end their stages when nobody holds them."""
        for key in list(self._handles):
            self._let_go(key)
        self._selector.close()
        os.close(self._bell)
        os.close(self._rope)

    def _told_off(self) -> list[Lost]:
        told = self._unstarted[:]
        os.read(self._bell, len(told))
        self._unstarted.clear()
        return told

    def _read(self, key: Key) -> Iterator[Event]:
        for message in self._handles[key].read():
            match message:
                case messages.Started():
                    yield Started(key)
                case messages.Done(figures=figures):
                    self._let_go(key)
                    yield Done(key, figures)
                case messages.Lost():
                    self._let_go(key)
                    yield Lost(key, "its supervisor died")

    def _let_go(self, key: Key) -> None:
        handle = self._handles.pop(key)
        self._selector.unregister(handle)
        handle.close()

    def _forkserver_died(self) -> Broken:
        self._selector.unregister(self._forkserver)
        for key in list(self._handles):
            self._let_go(key)
        return Broken("the forkserver died")
