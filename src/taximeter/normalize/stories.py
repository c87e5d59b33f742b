"""What is kept of a streamed response while its events go by, a class for each way of telling it."""

from __future__ import annotations

from typing import Any, Protocol

from taximeter.normalize import anthropic, bedrock, cohere, gemini, responses
from taximeter.normalize.fields import Fields, fields, items, text
from taximeter.normalize.read import read
from taximeter.normalize.reading import Reading


class Story(Protocol):
    """The events of one response so far."""

    ended: bool
    """The provider said that this was all."""

    def take(self, event: Fields) -> None:
        """One more event."""

    def is_other(self, event: Fields) -> bool:
        """Whether this event begins another response."""

    def readings(self, provider: str | None) -> tuple[Reading, ...]:
        """What was told."""


def begin(event: Fields) -> Story | None:
    """The story that an event belongs to; None if nobody here knows it."""
    kind = text(event, "type") or text(event, "event_type") or ""
    for begins, story in _BY_TYPE:
        if kind.startswith(begins):
            return story()
    if "choices" in event:
        return _Chunks()
    if _is_of_converse(event):
        return _Converse()
    return None if gemini.NAMES.isdisjoint(event) else _Candidates()


def is_event(value: object) -> bool:
    """Whether a value is a piece of a streamed response, and cannot be a whole one."""
    given = fields(value)
    kind = text(given, "type") or text(given, "event_type") or ""
    if given.get("object") == "chat.completion.chunk" or _is_of_converse(given):
        return True
    return any(kind.startswith(begins) for begins, _ in _BY_TYPE)


class _Chunks:
    """Chunks of a chat completion, and events of a conversation of Mistral: one of the last ones has the usage.

    OpenAI sends it only if it is asked to: `stream_options={"include_usage": True}`.
    """

    def __init__(self) -> None:
        self.ended = False
        self._head: dict[str, Any] = {"choices": ()}

    def take(self, event: Fields) -> None:
        for name in ("id", "object", "model", "service_tier", "conversation_id"):
            value = event.get(name)
            if value:
                self._head[name] = value
        usage = event.get("usage") or fields(event.get("x_groq")).get("usage")
        if fields(usage):
            self._head["usage"] = usage
        if event.get("type") == "conversation.response.done" or _finished(event.get("choices"), "finish_reason"):
            self.ended = True

    def is_other(self, event: Fields) -> bool:
        # Some servers give each chunk an id of its own, and the last one with the usage has no choices.
        return self.ended and bool(event.get("choices")) and event.get("id") != self._head.get("id")

    def readings(self, provider: str | None) -> tuple[Reading, ...]:
        return read(self._head, provider or ("mistral" if "conversation_id" in self._head else None))


class _Output:
    """Events of OpenAI's Responses: those that begin and end it carry the whole response."""

    def __init__(self) -> None:
        self.ended = False
        self._told: dict[str, Any] = {"object": "response"}

    def take(self, event: Fields) -> None:
        response = fields(event.get("response"))
        if not response or self.ended:
            return
        names = ("id", "object", "model", "service_tier", "status", "usage", "tool_usage")
        self._told = {name: response[name] for name in names if response.get(name) is not None}
        self._told["tools"] = [
            {"type": "image_generation", "model": text(fields(tool), "model")}
            for tool in items(response.get("tools"))
            if text(fields(tool), "type") == "image_generation"
        ]
        self.ended = event.get("type") in _LAST

    def is_other(self, event: Fields) -> bool:
        given = text(fields(event.get("response")), "id")
        return given is not None and given != self._told.get("id", given)

    def readings(self, provider: str | None) -> tuple[Reading, ...]:
        return responses.read(self._told, provider)


class _Made:
    """Events of OpenAI's images, transcriptions and speech: the one that ends it has the usage."""

    def __init__(self) -> None:
        self.ended = False
        self._told: dict[str, Any] = {}

    def take(self, event: Fields) -> None:
        if (text(event, "type") or "").endswith((".completed", ".done")):
            self._told = {"usage": event.get("usage")}
            self.ended = True

    def is_other(self, event: Fields) -> bool:
        return self.ended and not (text(event, "type") or "").endswith((".completed", ".done"))

    def readings(self, provider: str | None) -> tuple[Reading, ...]:
        return responses.read(self._told, provider)


_LAST = frozenset({"response.completed", "response.incomplete", "response.failed", "response.done"})


class _Message:
    """Events of Anthropic: what `message_delta` tells is cumulative and replaces what `message_start` told."""

    def __init__(self) -> None:
        self.ended = False
        self._head: dict[str, Any] = {}
        self._usage: dict[str, Any] = {}
        self._has_delta = False

    def take(self, event: Fields) -> None:
        kind = event.get("type")
        if kind == "message_start" and not self._head:
            message = fields(event.get("message"))
            self._head = {name: message.get(name) for name in ("id", "model")}
            self._replace(message.get("usage"))
        elif kind == "message_delta":
            self._has_delta = True
            self._replace(event.get("usage"))
        elif kind == "message_stop":
            self.ended = True

    def _replace(self, usage: object) -> None:
        self._usage.update((name, value) for name, value in fields(usage).items() if value is not None)

    def is_other(self, event: Fields) -> bool:
        return event.get("type") == "message_start" and text(fields(event.get("message")), "id") != self._head.get("id")

    def readings(self, provider: str | None) -> tuple[Reading, ...]:
        usage = self._usage
        if not self._has_delta:  # at the start stands a number of output tokens that means nothing yet
            usage = {name: value for name, value in usage.items() if name != "output_tokens"}
        return anthropic.readings(self._head, usage, provider)


class _Candidates:
    """Chunks of Gemini: each one has the usage so far, and the last one that of the whole."""

    def __init__(self) -> None:
        self.ended = False
        self._told: dict[str, Any] = {}

    def take(self, event: Fields) -> None:
        chunk = gemini.snake(event)
        names = ("response_id", "model_version", "usage_metadata")
        self._told.update((name, chunk[name]) for name in names if chunk.get(name) is not None)
        ends = ("finish_reason", "finishReason")
        if chunk.get("prompt_feedback") or any(_finished(chunk.get("candidates"), name) for name in ends):
            self.ended = True

    def is_other(self, event: Fields) -> bool:
        given = text(gemini.snake(event), "response_id")
        return given is not None and given != self._told.get("response_id", given)

    def readings(self, provider: str | None) -> tuple[Reading, ...]:
        return gemini.read(self._told, provider)


class _Deltas:
    """Events of Cohere: `message-end`, or `stream-end` of its first API, has the usage."""

    def __init__(self) -> None:
        self.ended = False
        self._told: dict[str, Any] = {}

    def take(self, event: Fields) -> None:
        if event.get("id"):
            self._told["id"] = event["id"]
        if event.get("type") == "message-end":
            self._told["usage"] = fields(event.get("delta")).get("usage")
            self.ended = True
        elif event.get("event_type") == "stream-end":
            response = fields(event.get("response"))
            self._told |= {name: response.get(name) for name in ("meta", "generation_id", "response_id")}
            self.ended = True

    def is_other(self, event: Fields) -> bool:
        return self.ended and (event.get("type") == "message-start" or event.get("event_type") == "stream-start")

    def readings(self, provider: str | None) -> tuple[Reading, ...]:
        return cohere.read(self._told, provider)


class _Converse:
    """Events of Bedrock's ConverseStream, each under its name: `metadata`, which comes last, has the usage."""

    def __init__(self) -> None:
        self.ended = False
        self._told: dict[str, Any] = {}

    def take(self, event: Fields) -> None:
        told = fields(event.get("metadata"))
        if told:
            self._told = {name: told.get(name) for name in ("usage", "serviceTier")}
            self.ended = True

    def is_other(self, event: Fields) -> bool:
        return self.ended and "messageStart" in event

    def readings(self, provider: str | None) -> tuple[Reading, ...]:
        return bedrock.read(self._told, provider)


_OF_CONVERSE = frozenset({"messageStart", "contentBlockStart", "contentBlockDelta", "contentBlockStop", "messageStop"})


def _is_of_converse(event: Fields) -> bool:
    return not _OF_CONVERSE.isdisjoint(event) or "inputTokens" in fields(fields(event.get("metadata")).get("usage"))


_BY_TYPE: tuple[tuple[str, type[Story]], ...] = (
    ("response.", _Output),
    ("message_start", _Message),
    ("message_delta", _Message),
    ("message_stop", _Message),
    ("content_block_", _Message),
    ("ping", _Message),
    ("image_generation.", _Made),
    ("image_edit.", _Made),
    ("transcript.text.", _Made),
    ("speech.audio.", _Made),
    ("conversation.response.", _Chunks),
    ("message.output.", _Chunks),
    ("tool.execution.", _Chunks),
    ("agent.handoff.", _Chunks),
    ("function.call.", _Chunks),
    ("message-", _Deltas),
    ("content-", _Deltas),
    ("tool-", _Deltas),
    ("citation-", _Deltas),
    ("stream-", _Deltas),
    ("text-generation", _Deltas),
)
"""How the types of events begin; the first one that fits."""


def _finished(choices: object, name: str) -> bool:
    return any(fields(choice).get(name) for choice in items(choices))
