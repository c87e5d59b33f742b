"""Letters of a Dask worker, which come by themselves or are fetched: in order, each once."""

import asyncio
from collections.abc import Callable

from taximeter.run.executor import Key
from taximeter.run.executors.dask_letters import Letters, Post
from taximeter.run.remote.outbox import Letter

KEY = Key("a", None, 1)


def letter(number: int) -> Letter:
    return KEY, b"%d" % number


class Driver:
    """Takes letters as they come; `letters` is to be used in a loop."""

    def __init__(self) -> None:
        self.heard: list[Letter] = []
        self.letters = Letters(self._take, self._call)

    def _take(self, post: Post) -> None:
        self.heard += post.letters
        post.taken()

    def _call(self, function: Callable[..., None], *arguments: object) -> None:
        function(*arguments)

    def comes(self, number: int, message: bytes | None = b"") -> None:
        self.letters.come(number, list(KEY), letter(number)[1] if message == b"" else message)

    async def is_asked(self) -> bool:
        """Whether the worker is asked at once, and not because a second is over."""
        try:
            async with asyncio.timeout(0.1):
                await self.letters.wait()
        except TimeoutError:
            return False
        return True


def test_letters_that_follow_each_other_need_no_question() -> None:
    async def check() -> None:
        driver = Driver()
        for number in (1, 2, 2, 1, 3):
            driver.comes(number)
        assert driver.heard == [letter(n) for n in (1, 2, 3)]
        assert driver.letters.had == 3
        assert not await driver.is_asked()

    asyncio.run(check())


def test_one_that_went_astray_or_is_long_is_asked_for_and_none_is_passed_on_twice() -> None:
    async def check() -> None:
        driver = Driver()
        driver.comes(1)
        driver.comes(3)
        assert driver.heard == [letter(1)]
        assert await driver.is_asked()
        await driver.letters.fetched(0, 3, [letter(n) for n in (1, 2, 3)])
        driver.comes(4, None)
        assert await driver.is_asked()
        driver.comes(5)
        await driver.letters.fetched(3, 5, [letter(4), letter(5)])
        driver.comes(5)
        assert driver.heard == [letter(n) for n in range(1, 6)]
        assert driver.letters.had == 5

    asyncio.run(check())


def test_a_worker_hears_in_time_what_it_need_not_keep() -> None:
    async def check() -> None:
        driver = Driver()
        for number in range(1, 16):
            driver.comes(number)
        assert not await driver.is_asked()
        driver.comes(16)
        assert await driver.is_asked()
        await driver.letters.fetched(16, 16, [])
        driver.comes(17)
        assert not await driver.is_asked()

    asyncio.run(check())
