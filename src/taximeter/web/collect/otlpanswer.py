"""What OTLP has a receiver say of a batch: nothing if all was taken, else how many spans were not, and why."""

from __future__ import annotations

import msgspec

from taximeter.web.collect.verdict import Verdict

JSON, PROTOBUF = b"application/json", b"application/x-protobuf"


def answer(verdict: Verdict, asked: bytes) -> tuple[bytes, bytes]:
    """Media type and body, in the form in which the spans came.

    Source: `ExportTraceServiceResponse` of OTLP 1.x. In it, to have been sent before is to have been taken.
    """
    reason = verdict.rejected[0].reason if verdict.rejected else ""
    if asked == JSON:
        partial = {"rejectedSpans": str(len(verdict.rejected)), "errorMessage": reason}
        return JSON, msgspec.json.encode({"partialSuccess": partial} if verdict.rejected else {})
    if not verdict.rejected:
        return PROTOBUF, b""
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceResponse

    message = ExportTraceServiceResponse()
    message.partial_success.rejected_spans = len(verdict.rejected)
    message.partial_success.error_message = reason
    return PROTOBUF, message.SerializeToString()
