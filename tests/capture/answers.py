"""What the server of these tests answers: small, and with counts that are all different."""

from __future__ import annotations

import base64
import json
import zlib
from typing import Any

CHAT_USAGE = {
    "prompt_tokens": 25,
    "completion_tokens": 7,
    "total_tokens": 32,
    "prompt_tokens_details": {"cached_tokens": 5},
    "completion_tokens_details": {"reasoning_tokens": 2},
}
RESPONSES_USAGE = {
    "input_tokens": 36,
    "input_tokens_details": {"cached_tokens": 6},
    "output_tokens": 8,
    "output_tokens_details": {"reasoning_tokens": 3},
    "total_tokens": 44,
}
MESSAGES_USAGE = {
    "input_tokens": 11,
    "cache_read_input_tokens": 20,
    "cache_creation_input_tokens": 4,
    "output_tokens": 9,
}
GEMINI_USAGE = {
    "promptTokenCount": 14,
    "candidatesTokenCount": 5,
    "thoughtsTokenCount": 3,
    "cachedContentTokenCount": 2,
    "totalTokenCount": 22,
}
TEXT = '{"answer": 42}'
"""What every model says: text, and an object for those who want one."""


def chat(model: str, usage: dict[str, Any] | None) -> dict[str, Any]:
    message = {"role": "assistant", "content": TEXT}
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1_767_225_600,
        "model": f"{model}-2026",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        **({} if usage is None else {"usage": usage}),
    }


def chat_chunks(model: str, usage: dict[str, Any] | None) -> list[dict[str, Any]]:
    """The chunks of a streamed chat; the last one with the usage, if it is asked for."""
    head = {"id": "chatcmpl-1", "object": "chat.completion.chunk", "created": 1, "model": f"{model}-2026"}
    null = {} if usage is None else {"usage": None}
    deltas: list[tuple[dict[str, Any], str | None]] = [
        ({"role": "assistant", "content": ""}, None),
        ({"content": TEXT[:5]}, None),
        ({"content": TEXT[5:]}, None),
        ({}, "stop"),
    ]
    chunks: list[dict[str, Any]] = [
        {**head, "choices": [{"index": 0, "delta": delta, "finish_reason": finish}], **null} for delta, finish in deltas
    ]
    return chunks if usage is None else [*chunks, {**head, "choices": [], "usage": usage}]


def completion(model: str) -> dict[str, Any]:
    choice = {"index": 0, "text": TEXT, "finish_reason": "stop", "logprobs": None}
    return {"id": "cmpl-1", "object": "text_completion", "created": 1, "model": model, "choices": [choice],
            "usage": CHAT_USAGE}  # fmt: skip


def embeddings(model: str, texts: int) -> dict[str, Any]:
    data = [{"object": "embedding", "index": index, "embedding": [0.25, -0.5]} for index in range(texts)]
    return {
        "id": "embd-1",
        "object": "list",
        "model": model,
        "data": data,
        "usage": {"prompt_tokens": 13, "total_tokens": 13},
    }


def response(model: str, status: str = "completed", **more: Any) -> dict[str, Any]:
    content = [{"type": "output_text", "text": TEXT, "annotations": []}]
    message = {"id": "msg_1", "type": "message", "role": "assistant", "status": "completed", "content": content}
    return {
        "id": "resp_1",
        "object": "response",
        "created_at": 1,
        "model": f"{model}-2026",
        "status": status,
        "output": [message] if status == "completed" else [],
        "usage": RESPONSES_USAGE if status == "completed" else None,
        "parallel_tool_calls": True,
        "tool_choice": "auto",
        "tools": [],
        "error": None,
        "incomplete_details": None,
        "instructions": None,
        "metadata": {},
        **more,
    }


def response_events(model: str) -> list[dict[str, Any]]:
    item = {"id": "msg_1", "type": "message", "role": "assistant", "status": "in_progress", "content": []}
    part = {"type": "output_text", "text": "", "annotations": []}
    where = {"item_id": "msg_1", "output_index": 0, "content_index": 0}
    events = [
        {"type": "response.created", "response": response(model, "in_progress")},
        {"type": "response.output_item.added", "output_index": 0, "item": item},
        {"type": "response.content_part.added", **where, "part": part},
        {"type": "response.output_text.delta", **where, "delta": TEXT, "logprobs": []},
        {"type": "response.output_text.done", **where, "text": TEXT, "logprobs": []},
        {"type": "response.completed", "response": response(model)},
    ]
    return [{**event, "sequence_number": number} for number, event in enumerate(events)]


def message(model: str) -> dict[str, Any]:
    return {
        "id": "msg_1",
        "type": "message",
        "role": "assistant",
        "model": f"{model}-2026",
        "content": [{"type": "text", "text": TEXT}],
        "stop_reason": "end_turn",
        "stop_sequence": None,
        "usage": MESSAGES_USAGE,
    }


def message_events(model: str) -> list[dict[str, Any]]:
    """The events of a streamed message: what the deltas tell is cumulative."""
    begun = {**message(model), "content": [], "stop_reason": None, "usage": {**MESSAGES_USAGE, "output_tokens": 1}}
    delta = {"stop_reason": "end_turn", "stop_sequence": None}
    return [
        {"type": "message_start", "message": begun},
        {"type": "content_block_start", "index": 0, "content_block": {"type": "text", "text": ""}},
        {"type": "ping"},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT[:5]}},
        {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": TEXT[5:]}},
        {"type": "content_block_stop", "index": 0},
        {"type": "message_delta", "delta": {"stop_reason": None, "stop_sequence": None}, "usage": {"output_tokens": 6}},
        {"type": "message_delta", "delta": delta, "usage": {"output_tokens": 9}},
        {"type": "message_stop"},
    ]


IMAGE_USAGE = {
    "input_tokens": 50,
    "output_tokens": 4160,
    "total_tokens": 4210,
    "input_tokens_details": {"text_tokens": 10, "image_tokens": 40},
}
TRANSCRIPT_USAGE = {
    "type": "tokens",
    "input_tokens": 14,
    "output_tokens": 45,
    "total_tokens": 59,
    "input_token_details": {"text_tokens": 0, "audio_tokens": 14},
}
CONVERSATION_USAGE = {
    "prompt_tokens": 18,
    "completion_tokens": 5,
    "connector_tokens": 12,
    "total_tokens": 35,
    "connectors": {"web_search": 1},
}


def image_events(edit: bool) -> list[dict[str, Any]]:
    kind = "image_edit" if edit else "image_generation"
    drawn = {"b64_json": "AA==", "background": "opaque", "created_at": 1, "output_format": "png", "quality": "low",
             "size": "1024x1024"}  # fmt: skip
    return [
        {"type": f"{kind}.partial_image", **drawn, "partial_image_index": 0},
        {"type": f"{kind}.completed", **drawn, "usage": IMAGE_USAGE},
    ]


def transcript_events() -> list[dict[str, Any]]:
    return [
        {"type": "transcript.text.delta", "delta": TEXT},
        {"type": "transcript.text.done", "text": TEXT, "usage": TRANSCRIPT_USAGE},
    ]


def conversation() -> dict[str, Any]:
    said = {"object": "entry", "type": "message.output", "role": "assistant", "content": TEXT, "id": "e1"}
    return {"object": "conversation.response", "conversation_id": "conv_1", "outputs": [said],
            "usage": CONVERSATION_USAGE}  # fmt: skip


def conversation_events() -> list[dict[str, Any]]:
    return [
        {"type": "conversation.response.started", "conversation_id": "conv_1"},
        {"type": "message.output.delta", "id": "e1", "content": TEXT},
        {"type": "conversation.response.done", "usage": CONVERSATION_USAGE},
    ]


def pages(model: str) -> dict[str, Any]:
    page = {"index": 0, "markdown": "so", "images": [], "dimensions": {"dpi": 200, "height": 9, "width": 9}}
    return {"model": model, "pages": [page] * 3, "usage_info": {"pages_processed": 3, "doc_size_bytes": 7}}


def frame(payload: dict[str, Any], **headers: str) -> bytes:
    """One event of Amazon on the wire; the names of headers without their colon."""
    head = b"".join(
        bytes([len(name) + 1])
        + f":{name.replace('_', '-')}".encode()
        + b"\x07"
        + len(value).to_bytes(2)
        + value.encode()
        for name, value in headers.items()
    )
    body = json.dumps(payload).encode()
    prelude = (16 + len(head) + len(body)).to_bytes(4) + len(head).to_bytes(4)
    frame = prelude + zlib.crc32(prelude).to_bytes(4) + head + body
    return frame + zlib.crc32(frame).to_bytes(4)


def frames(events: list[dict[str, Any]]) -> list[bytes]:
    """Events of a model, as Bedrock sends them."""
    told = {"event_type": "chunk", "content_type": "application/json", "message_type": "event"}
    return [
        frame({"bytes": base64.b64encode(json.dumps(event).encode()).decode(), "p": "abcd"}, **told) for event in events
    ]


THROTTLED = frame({"message": "too many"}, exception_type="throttlingException", message_type="exception")


def candidates(model: str, usage: dict[str, Any], text: str = TEXT, finish: str | None = "STOP") -> dict[str, Any]:
    said: dict[str, Any] = {"content": {"role": "model", "parts": [{"text": text}]}, "index": 0}
    return {
        "candidates": [said if finish is None else {**said, "finishReason": finish}],
        "usageMetadata": usage,
        "modelVersion": f"{model}-2026",
        "responseId": "gemini-1",
    }


def candidates_chunks(model: str) -> list[dict[str, Any]]:
    """The chunks of a streamed answer of Gemini: each has the usage so far."""
    begun = {"promptTokenCount": 14, "cachedContentTokenCount": 2, "totalTokenCount": 14}
    said = {**begun, "candidatesTokenCount": 2, "totalTokenCount": 16}
    return [
        candidates(model, begun, TEXT[:5], None),
        candidates(model, said, TEXT[5:], None),
        candidates(model, GEMINI_USAGE, "", "STOP"),
    ]


def sse(events: list[dict[str, Any]], *, named: bool = False, done: bool = False) -> list[bytes]:
    """Events on the wire, one piece of bytes each."""
    pieces = [
        (f"event: {event['type']}\n" if named else "").encode() + b"data: " + json.dumps(event).encode() + b"\n\n"
        for event in events
    ]
    return [*pieces, b"data: [DONE]\n\n"] if done else pieces


def results(of_openai: bool) -> bytes:
    """The results of a batch of two requests, of which one failed."""
    if of_openai:
        lines: list[dict[str, Any]] = [
            {"id": "r1", "custom_id": "a", "response": {"status_code": 200, "body": chat("m", CHAT_USAGE)}},
            {"id": "r2", "custom_id": "b", "response": {"status_code": 400, "body": {"error": {"message": "no"}}}},
        ]
    else:
        lines = [
            {"custom_id": "a", "result": {"type": "succeeded", "message": message("c")}},
            {"custom_id": "b", "result": {"type": "errored", "error": {"type": "error", "error": {"message": "no"}}}},
        ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def batch(url: str) -> dict[str, Any]:
    """A batch of Anthropic that is done."""
    counts = {"processing": 0, "succeeded": 1, "errored": 1, "canceled": 0, "expired": 0}
    return {"id": "b1", "type": "message_batch", "processing_status": "ended", "request_counts": counts,
            "results_url": f"{url}/results", "created_at": "2026-01-01T00:00:00Z", "expires_at": "2026-01-02T00:00:00Z",
            "ended_at": None, "archived_at": None, "cancel_initiated_at": None}  # fmt: skip


def gemini_embeddings(texts: int) -> dict[str, Any]:
    return {"embeddings": [{"values": [0.25, -0.5]}] * texts, "usageMetadata": {"promptTokenCount": 12}}


def vertex_embeddings(texts: int) -> dict[str, Any]:
    statistics = {"token_count": 6, "truncated": False}
    return {"predictions": [{"embeddings": {"values": [0.25, -0.5], "statistics": statistics}}] * texts}


def gemini_results() -> bytes:
    """The results of a batch of two requests, in a file."""
    lines = [{"key": "a", "response": candidates("g", GEMINI_USAGE)}, {"key": "b", "error": {"code": 3}}]
    return b"".join(json.dumps(line).encode() + b"\n" for line in lines)


def gemini_batch() -> dict[str, Any]:
    """A batch of Google whose results stand in it."""
    inlined = [{"response": candidates("g", GEMINI_USAGE)}] * 2
    metadata = {"state": "BATCH_STATE_SUCCEEDED", "output": {"inlinedResponses": {"inlinedResponses": inlined}}}
    return {"name": "batches/1", "metadata": metadata, "done": True}
