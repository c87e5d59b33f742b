"""While nobody records."""

import sys
from types import FrameType

import taximeter


@taximeter.span("plain")
def plain() -> None:
    """Does nothing."""


def test_a_decorated_call_is_a_look_at_a_flag() -> None:
    """Nothing else is called: neither a function of ours nor one of C."""
    seen: list[str] = []

    def profile(frame: FrameType, event: str, arg: object) -> None:
        if event in ("call", "c_call"):
            seen.append(frame.f_code.co_qualname if event == "call" else repr(arg))

    assert not taximeter.is_enabled()
    sys.setprofile(profile)
    try:
        plain()
    finally:
        sys.setprofile(None)
    ours = [name for name in seen if "setprofile" not in name]
    assert ours == ["_plain.<locals>.call", "plain"]
    assert taximeter.get_recorder().get_all_events() == []
