"""Tasks on this machine: each gets a supervisor of the forkserver."""

from __future__ import annotations

import selectors
from collections.abc import Iterator

from taximeter.run import messages
from taximeter.run.executor import Broken, Caps, Done, Event, Key, Lost, Started, Task
from taximeter.run.launcher import Forkserver, StageHandle
from taximeter.run.machine import gpus, memory_bytes


class Local:
    """An executor over a forkserver, which it does not close."""

    def __init__(self, forkserver: Forkserver) -> None:
        self.caps = Caps(cpus=1.0, memory=memory_bytes(), gpus=gpus(), is_here=True)
        self._forkserver = forkserver
        self._handles: dict[Key, StageHandle] = {}
        self._selector = selectors.DefaultSelector()
        self._selector.register(forkserver, selectors.EVENT_READ)

    def submit(self, task: Task) -> None:
        """Launches the task."""
        handle = self._handles[task.key] = self._forkserver.launch(task)
        self._selector.register(handle, selectors.EVENT_READ, task.key)

    def poll(self, timeout: float) -> list[Event]:
        """What the supervisors have told since the last time."""
        events: list[Event] = []
        for ready, _ in self._selector.select(timeout):
            if ready.data is None:
                return [*events, self._forkserver_died()]
            events += self._read(ready.data)
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
