"""The connection to a Dask cluster: a thread with an event loop, in which a client of Dask lives."""

from __future__ import annotations

import asyncio
import contextlib
import math
import queue
import secrets
import socket
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from threading import Thread
from typing import Any

import msgspec
from distributed import Client

from taximeter import __version__
from taximeter.errors import Problem, SetupError
from taximeter.run.executor import Broken, Key, Task
from taximeter.run.executors import dask_worker
from taximeter.run.executors.dask_letters import Letters, Post
from taximeter.run.executors.dask_seat import GPU, Seat, take_seat
from taximeter.run.remote import home
from taximeter.run.remote.home import SILENT

_PATIENCE = 10.0
"""Seconds in which a scheduler answers."""

_FAREWELL = 2.0
_LOOK_EVERY = 1.0
_AGAIN = 0.2
"""Seconds until a worker that did not answer is asked again."""


class Gone(msgspec.Struct, frozen=True):
    """What will not be heard of any more."""

    keys: list[Key]
    reason: str


class Session:
    """Methods are for the driver's thread; all that begins with an underscore is done in the loop."""

    def __init__(self, address: str) -> None:
        self.news: queue.SimpleQueue[Post | Gone | Broken] = queue.SimpleQueue()
        self._address = address
        self._driver = secrets.token_hex(8)
        self._seats: dict[str, Seat] = {}
        self._waiting: dict[Key, tuple[Task, bytes]] = {}
        """Of no worker yet."""

        self._chores: set[asyncio.Future[object]] = set()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)
        self._up: Future[tuple[float, float, float]] = Future()
        self._thread = Thread(target=self._live, daemon=True)

    def start(self) -> tuple[float, float, float]:
        """Connects: threads, bytes and GPUs of all workers. SetupError if there is no cluster of ours."""
        self._thread.start()
        try:
            return self._up.result()
        except SetupError:
            self._thread.join()
            raise

    def submit(self, task: Task, parcel: bytes) -> None:
        """Has it run on the worker that has most room."""
        self._call(self._place, task, parcel)

    def cancel(self, key: Key, grace: float) -> None:
        """Has its worker told."""
        self._call(lambda: self._do(self._order(key, grace)))

    def ended(self, key: Key) -> None:
        """Its last letter was read: its worker has room for another one."""
        self._call(self._forget, key)

    def fileno(self) -> int:
        """For a selector: readable when there is news, and once a second."""
        return self._reader.fileno()

    def woken(self) -> None:
        """Whatever made it readable is known."""
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(1 << 12)

    def close(self) -> None:
        """Says goodbye to the workers, which kill what they still run."""
        self._call(self._end.set)
        self._thread.join()
        self._reader.close()
        self._writer.close()

    # -- in the loop --------------------------------------------------------------------------------------------------

    def _live(self) -> None:
        try:
            asyncio.run(self._main())
        finally:  # however it ends, somebody waits for the answer
            if not self._up.done():
                self._up.set_exception(_no_cluster(self._address, "the connection ended"))
            self._tell(Broken(f"the Dask scheduler at {self._address} is gone"))

    async def _main(self) -> None:
        self._loop, self._end, self._looking = asyncio.get_running_loop(), asyncio.Event(), asyncio.Lock()
        try:
            client = await Client(self._address, asynchronous=True, timeout=_PATIENCE, set_as_default=False)
        except (OSError, ValueError) as error:
            self._up.set_exception(_no_cluster(self._address, error))
            return
        async with client:
            self._client = client
            client.subscribe_topic(client.id, self._hear)
            try:
                await self._look()
                if not self._seats:
                    message = f"the cluster at {self._address} has no workers"
                    raise SetupError(Problem(message, f"start one: dask worker {self._address}"))
            except SetupError as error:
                self._up.set_exception(error)
                return
            seats = self._seats.values()
            room = ((seat.threads, seat.memory, seat.gpus) for seat in seats)
            cpus, memory, gpus = map(math.fsum, zip(*room, strict=True))
            self._up.set_result((cpus, memory, gpus))
            await self._watch()
            for seat in seats:
                seat.pull.cancel()
            for chore in tuple(self._chores):
                chore.cancel()
            with contextlib.suppress(OSError):
                await asyncio.wait_for(self._ask(dask_worker.goodbye, *self._seats), _FAREWELL)

    async def _watch(self) -> None:
        """Looks who is there, until the end."""
        while not self._end.is_set():
            try:
                await asyncio.wait_for(self._look(), _PATIENCE)
            except OSError:
                return
            except SetupError:  # a newcomer that is not like us
                pass
            self._wake()  # so that silence is noticed
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._end.wait(), _LOOK_EVERY)

    async def _look(self) -> None:
        """Notes which workers came and which went; SetupError at one that cannot be used."""
        async with self._looking:
            await self._compare()

    async def _compare(self) -> None:
        there: dict[str, dict[str, Any]] = (await self._client.scheduler.identity())["workers"]
        for address in self._seats.keys() - there.keys():
            self._left(self._seats[address])
        new = [address for address in there if address not in self._seats]
        if not new:
            return
        answers = await self._client.run(
            dask_worker.hello, self._driver, self._client.id, workers=new, on_error="return"
        )
        for address, answer in answers.items():
            seat = self._seats[address] = take_seat(address, there[address], answer)
            seat.letters = Letters(self._tell, self._call)
            seat.pull = asyncio.create_task(self._pull(seat))
        waiting, self._waiting = self._waiting, {}
        for task, parcel in waiting.values():
            self._place(task, parcel)

    async def _look_again(self) -> None:
        """A worker may have died: nothing must be given to it."""
        with contextlib.suppress(OSError, SetupError):  # `_watch` will tell
            await self._look()

    def _left(self, seat: Seat) -> None:
        """A worker is gone. Dask must not begin anew what it had to do."""
        del self._seats[seat.address]
        seat.pull.cancel()
        for _, future in seat.tasks.values():
            self._do(future.cancel(force=True))
        self._tell(Gone([*seat.tasks, *seat.over], f"the worker at {seat.address} is gone"))
        seat.tasks.clear()

    def _place(self, task: Task, parcel: bytes) -> None:
        if not self._seats:
            self._waiting[task.key] = (task, parcel)  # one may come soon
            return
        seat = min(self._seats.values(), key=lambda seat: (seat.gpus < task.gpus, seat.load))
        future = self._client.submit(
            dask_worker.perform,
            self._driver,
            seat.life,
            task.key,
            __version__,
            parcel,
            key=dask_worker.name_of(self._driver, task.key),
            workers=[seat.address],
            allow_other_workers=False,
            retries=0,
            resources={GPU: task.gpus} if 0 < task.gpus <= seat.gpus else None,
            pure=False,
        )
        seat.tasks[task.key] = (task, future)
        self._do(self._see_off(seat, task.key, future))

    async def _see_off(self, seat: Seat, key: Key, future: Any) -> None:
        """Holds on to the future until Dask is done with it."""
        error = await future.exception()
        if future.status == "error":
            await self._look_again()
            if seat.tasks.pop(key, None):
                self._tell(Gone([key], f"the worker at {seat.address} could not run it: {error}"))
        elif seat.tasks.pop(key, None):
            seat.over.append(key)

    def _forget(self, key: Key) -> None:
        for seat in self._seats.values():
            seat.tasks.pop(key, None)

    def _hear(self, event: tuple[float, Any]) -> None:
        """Something happened on the cluster; it may be a letter."""
        match event:
            case (_, [life, number, key, message]):
                for seat in self._seats.values():
                    if seat.life == life:
                        seat.letters.come(number, key, message)

    async def _pull(self, seat: Seat) -> None:
        """Asks a worker for what it has to say, as long as it lives."""
        while True:
            await seat.letters.wait()
            over, had = list(seat.over), seat.letters.had
            question = self._ask(dask_worker.fetch, seat.address, had=had)
            try:
                (answer,) = (await asyncio.wait_for(question, home.SILENCE)).values()
            except TimeoutError:
                self._silent(seat)
                continue
            except OSError:
                await self._look_again()
                await asyncio.sleep(_AGAIN)
                continue
            if answer is None:  # another process, at the same address
                self._left(seat)
                return
            await seat.letters.fetched(had, *answer)
            if over:
                del seat.over[: len(over)]
                self._tell(Gone(over, "its worker gave it up"))

    def _silent(self, seat: Seat) -> None:
        """A worker says nothing: nobody waits for what it does, and it is told to end that if it lives all the same."""
        keys = [*seat.tasks, *seat.over]
        for key in keys:
            self._do(self._order(key, 0.0))
        self._tell(Gone(keys, SILENT))

    async def _order(self, key: Key, grace: float) -> None:
        """Tells the worker that has the task, if one has, until it has heard it."""
        if self._waiting.pop(key, None):
            self._tell(Gone([key], "it was ended before a worker was there"))
        while seat := next((seat for seat in self._seats.values() if key in seat.tasks), None):
            try:
                await self._ask(dask_worker.cancel, seat.address, key=key, grace=grace)
            except OSError:
                await asyncio.sleep(_AGAIN)
            else:
                return

    async def _ask(self, function: Callable[..., Any], *addresses: str, **arguments: Any) -> dict[str, Any]:
        """What a function says on workers."""
        answers: dict[str, Any] = await self._client.run(function, self._driver, workers=list(addresses), **arguments)
        return answers

    def _do(self, work: Coroutine[Any, Any, object]) -> None:
        chore = asyncio.ensure_future(work)
        self._chores.add(chore)
        chore.add_done_callback(self._chores.discard)

    def _tell(self, news: Post | Gone | Broken) -> None:
        self.news.put(news)
        self._wake()

    def _wake(self) -> None:
        with contextlib.suppress(BlockingIOError):
            self._writer.send(b".")

    def _call(self, function: Callable[..., object], *arguments: object) -> None:
        """Has the loop do something, if it has not ended."""
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(lambda: function(*arguments))


def _no_cluster(address: str, error: object) -> SetupError:
    hint = "start one (dask scheduler; dask worker ADDRESS), or leave --address out for one on this machine"
    return SetupError(Problem(f"no Dask scheduler answers: {error}", hint, key=f"--address {address}"))
