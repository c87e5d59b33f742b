"""What stands around a function of an SDK that makes one logical call: the exchange is open in it, and told its end."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from typing import Any

from taximeter.capture.exchange import Exchange

Args = tuple[Any, ...]
Kwargs = dict[str, Any]
Begin = Callable[[Args, Kwargs], "Exchange | None"]


class Around:
    """`begin` gives the exchange of a request, or None if it is none to be seen, and may raise BudgetExceeded; then it
    is told of what was raised (`failed`), or of what came back (`answered`). Both of these must not raise."""

    def __init__(
        self,
        opened: ContextVar[Exchange | None],
        begin: Begin,
        failed: Callable[[Exchange, BaseException], None],
        answered: Callable[[Exchange, Any], None],
    ) -> None:
        self._opened = opened
        self._begin = begin
        self._failed = failed
        self._answered = answered

    def call(self, wrapped: Callable[..., Any], _owner: Any, args: Args, kwargs: Kwargs) -> Any:
        """A wrapper, as wrapt has them, of a function that waits for the answer."""
        exchange = self._begin(args, kwargs)
        if exchange is None:
            return wrapped(*args, **kwargs)
        around = self._opened.get()
        self._opened.set(exchange)
        try:
            response = wrapped(*args, **kwargs)
        except BaseException as error:
            self._failed(exchange, error)
            raise
        finally:
            self._opened.set(around)
        self._answered(exchange, response)
        return response

    async def async_call(self, wrapped: Callable[..., Awaitable[Any]], _owner: Any, args: Args, kwargs: Kwargs) -> Any:
        """The same for a coroutine."""
        exchange = self._begin(args, kwargs)
        if exchange is None:
            return await wrapped(*args, **kwargs)
        around = self._opened.get()
        self._opened.set(exchange)
        try:
            response = await wrapped(*args, **kwargs)
        except BaseException as error:
            self._failed(exchange, error)
            raise
        finally:
            self._opened.set(around)
        self._answered(exchange, response)
        return response
