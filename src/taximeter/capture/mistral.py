"""The hooks of the SDK of Mistral.

`do_request` and `do_request_async` are one logical call each; `before_request` of its own hooks comes before every try.
Source: `client/basesdk.py` and `client/_hooks/sdkhooks.py` of mistralai 3.7.
"""

from __future__ import annotations

from collections.abc import Callable
from contextvars import ContextVar
from types import ModuleType
from typing import Any, TypedDict

import msgspec
from wrapt import wrap_function_wrapper

from taximeter.capture.answer import Events
from taximeter.capture.around import Args, Around, Kwargs
from taximeter.capture.body import readings
from taximeter.capture.exchange import Asked, Exchange
from taximeter.capture.ourproxy import tell
from taximeter.capture.retrieved import Fetch, admit_exchange, fetching, no_exchange
from taximeter.capture.watch import watch
from taximeter.events import CallKind, CallStatus
from taximeter.recorder.captured import here
from taximeter.recorder.guard import guarded, shielded

_ENDS = ("/chat/completions", "/fim/completions", "/agents/completions", "/conversations", "/embeddings", "/ocr")
"""Requests that buy something, by the end of their path; a conversation is gone on with under its id."""

_open: ContextVar[Exchange | None] = ContextVar("taximeter_mistral", default=None)


class _Request(TypedDict, total=False):
    model: str


_asked = msgspec.json.Decoder(_Request).decode


@guarded
def hook(module: ModuleType) -> None:
    """Hooks the `basesdk` of the SDK."""
    around = Around(_open, _begin, _failed, _received)
    wrap_function_wrapper(module, "BaseSDK.do_request", around.call)
    wrap_function_wrapper(module, "BaseSDK.do_request_async", around.async_call)


@guarded
def hook_tries(module: ModuleType) -> None:
    """Hooks the `sdkhooks` of the SDK."""
    wrap_function_wrapper(module, "SDKHooks.before_request", _before_request)


def _before_request(wrapped: Callable[..., Any], _hooks: Any, args: Args, kwargs: Kwargs) -> Any:
    exchange = _open.get()
    if exchange is not None:
        exchange.tries += 1
        request = kwargs["request"] if "request" in kwargs else args[1]
        tell(request.url, request.headers)
    return wrapped(*args, **kwargs)


def _begun(args: Args, kwargs: Kwargs) -> Exchange | None:
    request = kwargs["request"] if "request" in kwargs else args[1]
    where = here()
    if where is None:
        return None
    path = request.url.path
    if request.method == "GET":
        return fetching("mistralai", "mistral", "get", path, where)
    endpoint = "/conversations" if "/conversations/" in path else next(filter(path.endswith, _ENDS), None)
    if request.method != "POST" or endpoint is None:
        return None
    model = _asked(request.content).get("model")
    kind: CallKind = "embedding" if endpoint == "/embeddings" else "llm"
    exchange = Exchange(Asked("mistralai", endpoint, kind, "mistral", model, bool(kwargs.get("stream"))), where)
    exchange.asks(request.content)
    return exchange


_shielded = shielded(_begun, no_exchange)


def _begin(args: Args, kwargs: Kwargs) -> Exchange | None:
    """The exchange of a request that is to be seen; BudgetExceeded if it would buy more than the budget."""
    exchange = _shielded(args, kwargs)
    admit_exchange(exchange)
    return exchange


@guarded
def _received(exchange: Exchange, response: Any) -> None:
    """Takes the answer: `response` is one of httpx, read already or still to be read."""
    if not response.is_success:
        _ended(exchange, "failed")
    elif isinstance(exchange, Fetch):
        exchange.fetched(response)
    elif response.is_closed:
        exchange.tells(response.content)
        exchange.answered(readings(response.content, "mistral"))
    else:
        watch(response, Events(exchange))


def _failed(exchange: Exchange, error: BaseException) -> None:
    _ended(exchange, "failed" if isinstance(error, Exception) else "cut")


@guarded
def _ended(exchange: Exchange, status: CallStatus) -> None:
    """A request that was sent and not answered; one that was never sent is no call."""
    if exchange.tries and not exchange.is_answered:
        exchange.ended(status)
