"""Acting in the middle of something, as a signal handler may."""

import sys
from collections.abc import Callable
from itertools import count
from types import FrameType
from typing import Any


def before_bytecode(ours: str, number: int, work: Callable[[], Any], act: Callable[[], None]) -> bool:
    """Works, and acts before one of the bytecodes that it takes in files below `ours`; whether it came so far."""
    seen = count()
    acted = False

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal acted
        if not frame.f_code.co_filename.startswith(ours):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and next(seen) == number:
            acted = True
            act()
        return trace

    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(None)
    return acted
