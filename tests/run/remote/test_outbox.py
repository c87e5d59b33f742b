"""Messages that wait for a driver: in order, again if need be, and not for ever."""

from threading import Thread
from time import sleep

import pytest

from taximeter.run.executor import Key
from taximeter.run.remote import outbox
from taximeter.run.remote.outbox import Letter, Outbox


def letter(number: int) -> Letter:
    return Key("a", None, 1), b"%d" % number


def test_a_message_lies_there_until_the_driver_says_that_it_had_it() -> None:
    box = Outbox()
    assert box.fetch(0) == (0, [])
    assert [box.put(letter(n)) for n in (1, 2)] == [1, 2]
    assert box.fetch(0) == box.fetch(0) == (2, [letter(1), letter(2)])
    assert box.put(letter(3)) == 3
    assert box.fetch(2) == (3, [letter(3)])
    assert box.fetch(2) == (3, [letter(3)])
    assert box.fetch(3) == (3, [])
    assert box.put(letter(4)) == 4


def test_who_has_much_to_say_waits_for_the_driver() -> None:
    box = Outbox()
    speaker = Thread(target=lambda: [box.put(letter(n)) for n in range(1, 1001)])
    speaker.start()
    heard: list[object] = []
    had = 0
    while len(heard) < 1000:
        had, letters = box.fetch(had)
        assert len(letters) <= 64
        sleep(0.001)
        heard += letters
    speaker.join()
    assert heard == [letter(n) for n in range(1, 1001)]


def test_a_driver_that_is_silent_for_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    box = Outbox()
    assert box.put(letter(1))
    monkeypatch.setattr(outbox, "LEASE", -1.0)
    assert box.put(letter(2)) is None
