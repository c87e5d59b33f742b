"""Lines of the result file of a batch: a response in an envelope."""

from __future__ import annotations

from taximeter.normalize.fields import Fields, fields, text


def opened(given: Fields) -> Fields | None:
    """The response in the envelope, empty if the request failed; None if it is not the line of a batch.

    OpenAI, Azure and Mistral: `custom_id`, `response.body`. Anthropic: `custom_id`, `result.message`. Gemini: `key`
    (on Vertex AI `request`), `response`.
    """
    if "custom_id" in given:
        result = fields(given.get("result"))
        if result:
            return fields(result.get("message"))
        response = fields(given.get("response"))
        failed = response.get("status_code", 200) != 200
        return {} if failed else fields(response.get("body"))
    if "response" in given and ("key" in given or "request" in given) and text(given, "type") is None:
        return fields(given.get("response"))
    return None
