"""Records a response that a program got in a way that no hook sees."""

from __future__ import annotations

from taximeter.capture.exchange import Asked, Exchange
from taximeter.normalize.read import read
from taximeter.recorder.captured import here
from taximeter.recorder.claims import BY_HAND
from taximeter.recorder.guard import guarded
from taximeter.recorder.recording import trace_of


@guarded
def record_response(response: object, *, model: str | None = None, provider: str | None = None) -> None:
    """Records the call that a response answers; does nothing where nobody meters, and never raises.

    `response` is an object of an SDK or its JSON as a dict, of any provider whose shape is known: what `taximeter
    usage` reads. `model` is the model that was asked for, where it is not the one that answered; `provider` names who
    answered. A call that was captured by a hook is not recorded again. What no known provider answers is logged.
    """
    where = here()
    if where is None:
        return
    exchange = Exchange(Asked("record_response", "", "llm", provider, model, None), where)
    for reading in read(response, provider):
        call = exchange.call(reading, None)
        told = {"kind": call.kind, "model": call.model, "prompt_tokens": call.usage.input_tokens}
        more = {"completion_tokens": call.usage.output_tokens, "request_id": call.response_id}
        if not BY_HAND.claim(told | more, trace_of(where.span)):
            exchange.record(call)
