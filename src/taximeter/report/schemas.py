"""The public file formats of a metered run, as classes of pydantic: for validation, and for their JSON Schemas."""

from __future__ import annotations

from taximeter.report import records
from taximeter.report.modelled import model_of

LLMCallUsage = model_of(records.LLMCallUsage)
ItemsTold = model_of(records.ItemsTold)
CallRejected = model_of(records.CallRejected)
ReusedStage = model_of(records.ReusedStage)
StageInstrumentation = model_of(records.StageInstrumentation)
RunInstrumentation = model_of(records.RunInstrumentation)

SCHEMA_MAP = {name: model_of(record) for name, record in records.FORMATS.items()}
"""File formats by the `schema_version` that their records carry."""
