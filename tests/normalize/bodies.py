"""One whole response of each API, as JSON, with all the fields that its SDK wants."""

from typing import Any

from taximeter.usage import Usage

Body = dict[str, Any]

CHAT: Body = {
    "id": "chatcmpl-1",
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "gpt-5",
    "service_tier": "flex",
    "choices": [
        {
            "index": 0,
            "finish_reason": "stop",
            "logprobs": None,
            "message": {"role": "assistant", "content": "so", "refusal": None},
        }
    ],
    "usage": {
        "prompt_tokens": 2_006,
        "completion_tokens": 300,
        "total_tokens": 2_306,
        "prompt_tokens_details": {"cached_tokens": 1_920, "cache_write_tokens": 80, "novel_tokens": 4},
        "completion_tokens_details": {"reasoning_tokens": 192},
    },
}
CHAT_USAGE = Usage(2_006, 300, cache_read_input_tokens=1_920, cache_write_input_tokens=80, reasoning_output_tokens=192)

RESPONSE: Body = {
    "id": "resp_1",
    "object": "response",
    "created_at": 1_790_000_000.0,
    "status": "completed",
    "model": "gpt-5.6",
    "service_tier": "priority",
    "output": [],
    "parallel_tool_calls": True,
    "tool_choice": "auto",
    "tools": [],
    "usage": {
        "input_tokens": 10_000,
        "input_tokens_details": {
            "cached_tokens": 4_000,
            "cache_write_tokens": 5_000,
            "cache_write_tokens_details": {"ttl_30m_tokens": 3_000, "ttl_12h_tokens": 2_000},
        },
        "output_tokens": 700,
        "output_tokens_details": {"reasoning_tokens": 600},
        "total_tokens": 10_700,
    },
}
RESPONSE_USAGE = Usage(
    10_000,  # 1,000 fresh + 4,000 read + 5,000 written (3,000 for 30m + 2,000 for 12h)
    700,  # 100 said + 600 thought
    cache_read_input_tokens=4_000,
    cache_write_input_tokens=5_000,
    cache_write_by_ttl=(("12h", 2_000), ("30m", 3_000)),
    reasoning_output_tokens=600,
)

EMBEDDING: Body = {
    "object": "list",
    "model": "text-embedding-3-small",
    "data": [{"object": "embedding", "index": 0, "embedding": [0.5]}],
    "usage": {"prompt_tokens": 8, "total_tokens": 8},
}

MESSAGE: Body = {
    "id": "msg_1",
    "type": "message",
    "role": "assistant",
    "model": "claude-x",
    "content": [{"type": "text", "text": "so"}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {
        "input_tokens": 3,
        "cache_read_input_tokens": 2_000,
        "cache_creation_input_tokens": 12_304,
        "cache_creation": {"ephemeral_5m_input_tokens": 12_000, "ephemeral_1h_input_tokens": 304},
        "output_tokens": 550,
        "output_tokens_details": {"thinking_tokens": 200},
        "server_tool_use": {"web_search_requests": 2, "web_fetch_requests": 1},
        "service_tier": "standard",
        "speed": "fast",
        "inference_geo": "us",
        "novel": {"of": ["a", "kind"]},
    },
}
MESSAGE_USAGE = Usage(
    14_307,  # 3 + 2,000 + 12,304
    550,
    cache_read_input_tokens=2_000,
    cache_write_input_tokens=12_304,
    cache_write_by_ttl=(("1h", 304), ("5m", 12_000)),
    reasoning_output_tokens=200,
    counters=(("web_fetches", 1), ("web_searches", 2)),
)

ITERATIONS: Body = {
    **MESSAGE,
    "usage": {
        "input_tokens": 412,
        "output_tokens": 90,
        "iterations": [
            {"type": "message", "model": "claude-x", "input_tokens": 412, "output_tokens": 90,
             "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
            {"type": "advisor_message", "model": "claude-big", "input_tokens": 823, "output_tokens": 1_612,
             "cache_read_input_tokens": 0, "cache_creation_input_tokens": 0},
        ],
    },
}  # fmt: skip

GEMINI: Body = {
    "responseId": "g1",
    "modelVersion": "gemini-3-pro",
    "candidates": [{"index": 0, "finishReason": "STOP", "content": {"role": "model", "parts": [{"text": "so"}]}}],
    "usageMetadata": {
        "promptTokenCount": 1_000,
        "cachedContentTokenCount": 300,
        "toolUsePromptTokenCount": 50,
        "candidatesTokenCount": 120,
        "thoughtsTokenCount": 400,
        "totalTokenCount": 1_570,
        "promptTokensDetails": [
            {"modality": "TEXT", "tokenCount": 742},
            {"modality": "IMAGE", "tokenCount": 258},
        ],
        "cacheTokensDetails": [{"modality": "TEXT", "tokenCount": 300}],
        "trafficType": "ON_DEMAND_FLEX",
    },
}
GEMINI_USAGE = Usage(
    1_050,  # 1,000 + 50 of tools
    520,  # 120 + 400 thoughts
    cache_read_input_tokens=300,
    tool_use_input_tokens=50,
    reasoning_output_tokens=400,
    text_input_tokens=742,
    image_input_tokens=258,
    text_cache_read_input_tokens=300,
)

MISTRAL: Body = {
    "id": "mi1",
    "object": "chat.completion",
    "created": 1_790_000_000,
    "model": "mistral-large",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "so"}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 1, "total_tokens": 10, "service_tier": "standard"},
}

COHERE: Body = {
    "id": "co1",
    "finish_reason": "COMPLETE",
    "message": {"role": "assistant", "content": [{"type": "text", "text": "so"}]},
    "usage": {
        "billed_units": {"input_tokens": 5.0, "output_tokens": 418.0},
        "tokens": {"input_tokens": 71.0, "output_tokens": 418.0},
        "cached_tokens": 2.0,
    },
}
