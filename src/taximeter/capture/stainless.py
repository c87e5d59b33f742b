"""The hooks of the SDKs of OpenAI and Anthropic, which are made alike.

`SyncAPIClient.request` and `AsyncAPIClient.request` are one logical call each, tries included, and
`_process_response` sees its successful answer, however the caller wants to have it.
Source: `_base_client.py` of openai 3.54 and anthropic 2.14.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any

from wrapt import wrap_function_wrapper

from taximeter.capture.body import readings
from taximeter.capture.endpoints import asked
from taximeter.capture.exchange import Exchange
from taximeter.recorder.captured import here
from taximeter.recorder.guard import guarded, shielded

_open: ContextVar[Exchange | None] = ContextVar("taximeter_exchange", default=None)
"""The request that is under way in this context."""

Args = tuple[Any, ...]
Kwargs = dict[str, Any]


def hook(module: ModuleType) -> None:
    """Hooks the `_base_client` of an SDK."""
    sdk = module.__name__.partition(".")[0]
    begin = shielded(_begins(sdk), _no_exchange)

    def request(wrapped: Callable[..., Any], client: Any, args: Args, kwargs: Kwargs) -> Any:
        exchange = begin(client, args, kwargs)
        if exchange is None:
            return wrapped(*args, **kwargs)
        token = _open.set(exchange)
        try:
            return wrapped(*args, **kwargs)
        except BaseException as error:
            _failed(exchange, error)
            raise
        finally:
            _open.reset(token)

    async def async_request(wrapped: Callable[..., Awaitable[Any]], client: Any, args: Args, kwargs: Kwargs) -> Any:
        exchange = begin(client, args, kwargs)
        if exchange is None:
            return await wrapped(*args, **kwargs)
        token = _open.set(exchange)
        try:
            return await wrapped(*args, **kwargs)
        except BaseException as error:
            _failed(exchange, error)
            raise
        finally:
            _open.reset(token)

    wrap_function_wrapper(module, "SyncAPIClient.request", request)
    wrap_function_wrapper(module, "AsyncAPIClient.request", async_request)
    wrap_function_wrapper(module, "SyncAPIClient._process_response", _process_response)
    wrap_function_wrapper(module, "AsyncAPIClient._process_response", _process_response)


def _begins(sdk: str) -> Callable[[Any, Args, Kwargs], Exchange | None]:
    def begin(client: Any, args: Args, kwargs: Kwargs) -> Exchange | None:
        options = args[1] if len(args) > 1 else kwargs["options"]
        wanted = asked(sdk, client, options, bool(kwargs.get("stream")))
        where = None if wanted is None else here()
        return None if wanted is None or where is None else Exchange(wanted, where)

    return begin


def _no_exchange(*_: object) -> None:
    """What is begun when nothing can be."""


def _process_response(wrapped: Callable[..., Any], _client: Any, args: Args, kwargs: Kwargs) -> Any:
    exchange = _open.get()
    if exchange is not None:
        _received(exchange, kwargs["response"], kwargs.get("retries_taken", 0))
    return wrapped(*args, **kwargs)


@guarded
def _received(exchange: Exchange, response: Any, retries_taken: int) -> None:
    """Takes the answer: `response` is one of httpx, read already or still to be read."""
    if not response.is_success:
        return
    exchange.tries = retries_taken + 1
    headers = response.headers
    exchange.request_id = headers.get("x-request-id") or headers.get("request-id")
    if response.is_closed:
        exchange.answered(readings(response.content, exchange.asked.provider))


@guarded
def _failed(exchange: Exchange, error: BaseException) -> None:
    """A request that was sent and not answered; one that was never sent is no call."""
    request = getattr(error, "request", None)
    if request is None or exchange.is_answered:
        return
    exchange.tries = int(request.headers.get("x-stainless-retry-count", 0)) + 1
    response = getattr(error, "response", None)
    if response is not None:
        exchange.request_id = response.headers.get("x-request-id") or response.headers.get("request-id")
    exchange.ended("failed")
