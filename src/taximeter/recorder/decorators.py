"""Spans around functions of every kind. While nobody records, a call costs one look at a flag."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Generator
from functools import partial, wraps
from typing import Any, TypeVar, cast

import msgspec

from taximeter.recorder.instance import RECORDER
from taximeter.recorder.spans import Span

_CONSTANT = frozenset({str, int, float, bool, type(None)})
F = TypeVar("F", bound=Callable[..., Any])
_GENERATOR, _COROUTINE, _ASYNC_GENERATOR = 0x20, 0x80 | 0x100, 0x200
"""Flags of code objects, as `inspect` names them; importing it would cost more than all of this."""


def decorated(function: F, span: Span) -> F:
    """The function with another span like this around each call."""
    RECORDER.settled()
    if isinstance(function, classmethod | staticmethod):
        return cast(F, type(function)(decorated(function.__func__, span)))
    if not callable(function):
        raise TypeError(f"a {type(function).__name__} cannot be recorded: the decorator belongs right above a function")
    pattern = span.another()
    pattern._encoded = _encoded(span._meta)
    flags = _flags(function)
    for flag, wrapper in ((_COROUTINE, _coroutine), (_GENERATOR, _generator), (_ASYNC_GENERATOR, _async_generator)):
        if flags & flag:
            return cast(F, wrapper(function, pattern))
    return cast(F, _plain(function, pattern))


def _encoded(meta: dict[str, Any]) -> msgspec.Raw | None:
    """What every span of a function says, as JSON, if it can never change."""
    if not meta or not all(type(value) in _CONSTANT for value in meta.values()):
        return None
    try:
        return msgspec.Raw(msgspec.json.encode(meta))
    except (TypeError, ValueError):  # a lone surrogate: the journal makes it plain
        return None


def _flags(function: Callable[..., Any]) -> int:
    while isinstance(function, partial):
        function = function.func
    function = getattr(function, "__func__", function)  # of a bound method
    code = getattr(function, "__code__", None) or getattr(type(function).__call__, "__code__", None)
    return code.co_flags if code is not None else 0


def _plain(function: Callable[..., Any], pattern: Span) -> Callable[..., Any]:
    recorder = RECORDER

    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Any:
        if recorder.deliver is None:
            return function(*args, **kwargs)
        span = pattern.around_call()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            span.__exit__(None, error, None)
            raise
        span.__exit__(None, None, None)
        return result

    return call


def _coroutine(function: Callable[..., Any], pattern: Span) -> Callable[..., Any]:
    recorder = RECORDER

    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> Any:
        if recorder.deliver is None:
            return await function(*args, **kwargs)
        with pattern.another():
            return await function(*args, **kwargs)

    return call


def _generator(function: Callable[..., Any], pattern: Span) -> Callable[..., Any]:
    @wraps(function)
    def call(*args: Any, **kwargs: Any) -> Generator[Any, Any, Any]:
        with pattern.another():
            return (yield from function(*args, **kwargs))

    return call


def _async_generator(function: Callable[..., Any], pattern: Span) -> Callable[..., Any]:
    @wraps(function)
    async def call(*args: Any, **kwargs: Any) -> AsyncGenerator[Any, Any]:
        with pattern.another():
            inner = function(*args, **kwargs)
            step, value = inner.asend, None
            try:
                while True:
                    try:
                        item = await step(value)
                    except StopAsyncIteration:
                        return
                    try:
                        step, value = inner.asend, (yield item)
                    except GeneratorExit:
                        raise
                    except BaseException as error:  # noqa: BLE001 - what the consumer throws is for the function
                        step, value = inner.athrow, error
            finally:
                await inner.aclose()

    return call
