"""What the proxy itself answers, in the shape in which the SDK of a provider expects an error."""

from __future__ import annotations

from typing import Any

from taximeter.numbers import to_json

_GOOGLE_STATUS = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 404: "NOT_FOUND", 429: "RESOURCE_EXHAUSTED",
                  501: "UNIMPLEMENTED", 502: "UNAVAILABLE", 504: "DEADLINE_EXCEEDED"}  # fmt: skip


def failure(provider: str | None, status: int, message: str) -> bytes:
    """The body of an error answer."""
    message = f"taximeter proxy: {message}"
    body: dict[str, Any]
    match provider:
        case "anthropic":
            body = {"type": "error", "error": {"type": "api_error", "message": message}}
        case "google":
            body = {"error": {"code": status, "message": message, "status": _GOOGLE_STATUS.get(status, "UNKNOWN")}}
        case _:
            body = {"error": {"message": message, "type": "taximeter_proxy", "param": None, "code": status}}
    return to_json(body)
