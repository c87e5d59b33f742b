"""Which requests of an SDK are calls: by the end of their path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from taximeter.capture.exchange import Asked
from taximeter.events import CallKind

_PROVIDERS = {
    "api.openai.com": "openai",
    "api.anthropic.com": "anthropic",
    "api.mistral.ai": "mistral",
    "api.groq.com": "groq",
    "openrouter.ai": "openrouter",
    "api.deepseek.com": "deepseek",
    "api.x.ai": "x-ai",
    "api.together.xyz": "together",
    "api.fireworks.ai": "fireworks",
    "api.perplexity.ai": "perplexity",
    "api.cerebras.ai": "cerebras",
    "generativelanguage.googleapis.com": "google",
}
"""Who answers at a host, by the names of the price lists."""

_BY_END = {
    ".openai.azure.com": "azure",
    ".services.ai.azure.com": "azure",
    ".amazonaws.com": "aws",
    ".api.aws": "aws",
    "aiplatform.googleapis.com": "google",
}
"""The same by the end of the host: clouds have one for each customer or region."""

_ENDS = tuple(_BY_END)
_BY_CLIENT = {
    "Azure": "azure",
    "Bedrock": "aws",
    "AWS": "aws",
    "Vertex": "google",
    "GoogleCloud": "google",
    "Foundry": "azure",
}
"""Who answers a client that is made for one platform, by a part of its name."""

KINDS: Mapping[str, Mapping[str, CallKind]] = {
    "openai": {
        "/chat/completions": "llm",
        "/completions": "llm",
        "/responses": "llm",
        "/responses/compact": "llm",
        "/embeddings": "embedding",
        "/images/generations": "llm",
        "/images/edits": "llm",
        "/images/variations": "llm",
        "/audio/transcriptions": "llm",
        "/audio/translations": "llm",
        "/audio/speech": "llm",
    },
    "anthropic": {"/messages": "llm"},
}
"""Requests that buy something, by the SDK and the end of their path."""


def provider_of(client: Any) -> str | None:
    """Who answers this client; None where nobody can tell, as with a server of one's own."""
    name = type(client).__name__
    by_client = None if name in _PLAIN else next((who for part, who in _BY_CLIENT.items() if part in name), None)
    return by_client or _by_host(client.base_url.host)


def _by_host(host: str) -> str | None:
    known = _PROVIDERS.get(host)
    if known is None and host.endswith(_ENDS):
        return next(who for end, who in _BY_END.items() if host.endswith(end))
    return known


_PLAIN = frozenset({"OpenAI", "AsyncOpenAI", "Anthropic", "AsyncAnthropic"})


def asked(sdk: str, client: Any, options: Any, stream: bool) -> Asked | None:
    """What a request asks for; None if it buys nothing."""
    if options.method != "post":
        return None
    kinds, url = KINDS[sdk], options.url
    endpoint = url if url in kinds else _end_of(url, kinds)
    if endpoint is None:
        return None
    body = options.json_data
    model = body.get("model") if type(body) is dict or isinstance(body, Mapping) else None
    return Asked(sdk, endpoint, kinds[endpoint], provider_of(client), model if isinstance(model, str) else None, stream)


def _end_of(url: str, ends: Iterable[str]) -> str | None:
    path = url.partition("?")[0].rstrip("/")
    return next((end for end in ends if path.endswith(end)), None)
