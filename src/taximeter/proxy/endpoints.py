"""Which requests are calls of a model: all others are forwarded, and nothing is recorded of them."""

from __future__ import annotations

import re
from urllib.parse import unquote

import msgspec

from taximeter.events import CallKind


class Endpoint(msgspec.Struct, frozen=True):
    """What is bought by a request to such a path."""

    operation: str
    """As OpenTelemetry names it, or as normalize does."""

    kind: CallKind = "llm"
    tells_usage_if_asked: bool = False
    """Whether its streams may be asked for usage: `stream_options.include_usage`."""

    in_background: bool = False
    """Whether an answer may only say that it will be made."""


_CHAT = Endpoint("chat")
_EMBEDDINGS = Endpoint("embeddings", kind="embedding")
_BY_END = (
    ("/chat/completions", Endpoint("chat", tells_usage_if_asked=True)),
    ("/completions", Endpoint("text_completion", tells_usage_if_asked=True)),
    ("/responses", Endpoint("chat", in_background=True)),
    ("/responses/compact", _CHAT),
    ("/messages", _CHAT),
    ("/embeddings", _EMBEDDINGS),
    ("/images/generations", Endpoint("image_generation")),
    ("/images/edits", Endpoint("image_generation")),
    ("/images/variations", Endpoint("image_generation")),
    ("/audio/speech", Endpoint("speech")),
    ("/audio/transcriptions", Endpoint("transcription")),
    ("/audio/translations", Endpoint("transcription")),
    ("/conversations", _CHAT),
    ("/ocr", Endpoint("ocr")),
    ("/v1/chat", _CHAT),
    ("/v2/chat", _CHAT),
    ("/embed", _EMBEDDINGS),
    ("/rerank", Endpoint("rerank")),
    ("/classify", Endpoint("classify")),
)
"""How the paths of OpenAI, Anthropic, Mistral, Cohere and of compatible servers end; the first that fits."""

_GENERATE = Endpoint("generate_content")
_BY_METHOD = {
    "generateContent": _GENERATE,
    "streamGenerateContent": _GENERATE,
    "embedContent": _EMBEDDINGS,
    "batchEmbedContents": _EMBEDDINGS,
    "predict": Endpoint("predict"),
    "rawPredict": _CHAT,
    "streamRawPredict": _CHAT,
}
"""Methods of a model of Google, `…/models/MODEL:METHOD`."""

_GOOGLE = re.compile(r"/([^/:]+):([A-Za-z]+)$")
_RESPONSE = re.compile(r"/responses/([^/]+?)(/cancel)?$")
_DEPLOYMENT = re.compile(r"/deployments/([^/]+)/")
"""Where Azure has the model."""


def endpoint(method: str, path: str) -> Endpoint | None:
    """What a request to this path buys; None for anything but a call of a model."""
    if method != "POST":
        return None
    path = unquote(path)
    google = _GOOGLE.search(path)
    if google is not None:
        return _BY_METHOD.get(google[2])
    return next((found for end, found in _BY_END if path.endswith(end)), None)


def response_in(method: str, path: str) -> str | None:
    """The response made in the background that a request asks for, or wants to be given up."""
    found = _RESPONSE.search(path)
    wanted = found is not None and method == ("POST" if found[2] else "GET")
    return found[1] if found is not None and wanted else None


def model_in(path: str) -> str | None:
    """The model that a path names."""
    path = unquote(path)
    named = _GOOGLE.search(path) or _DEPLOYMENT.search(path)
    return named[1] if named else None
