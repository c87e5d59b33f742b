"""Asks a server to tell the usage of a streamed chat, which it does only if it is asked.

A server that refuses is not asked again; one that has told it once is not suspected any more. Both are remembered of
each model, since behind one address there can be servers of several kinds.
"""

from __future__ import annotations

from copy import copy
from typing import Any

from taximeter import settings
from taximeter.capture.exchange import Exchange

_ENDPOINTS = frozenset({"/chat/completions", "/completions"})
_REFUSALS = frozenset({400, 422})
"""How servers say that they do not know a field."""

_willing: dict[tuple[str, str | None], bool] = {}
"""What is known of servers, by their address and the model."""


def with_usage_asked(exchange: Exchange, client: Any, options: Any) -> Any | None:
    """A copy of the options of a request that asks for the usage; None if it must not, or does already."""
    if not exchange.asked.stream or exchange.asked.endpoint not in _ENDPOINTS or settings.ASK_USAGE.is_off():
        return None
    body, wanted = options.json_data, options.json_data.get("stream_options")
    if "include_usage" in (wanted or {}) or "stream_options" in (options.extra_json or {}):
        return None
    exchange.server = str(client.base_url), exchange.asked.model
    if _willing.get(exchange.server) is False:
        return None
    asking = copy(options)
    asking.json_data = {**body, "stream_options": {**(wanted or {}), "include_usage": True}}
    exchange.asks_usage = True
    return asking


def accepted(exchange: Exchange) -> None:
    """The server answered a request that asked."""
    _willing[exchange.server] = True


def is_refused(exchange: Exchange, error: Exception) -> bool:
    """Whether a request may have failed because it asked: then it is to be sent once more as it was."""
    if not exchange.asks_usage or getattr(error, "status_code", None) not in _REFUSALS:
        return False
    return not _willing.get(exchange.server, False)


def refused(exchange: Exchange) -> None:
    """The server took the request as it was, and so refuses to be asked."""
    _willing[exchange.server] = False
