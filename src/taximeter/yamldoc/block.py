"""A map of an authored file as a class of pydantic: exact types and no unknown keys."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from taximeter.yamldoc.authored import FREE_KEYS, NOT_BLANK

Text = Annotated[str, Field(pattern=NOT_BLANK)]
"""Free text that is not blank."""


class Block(BaseModel):
    """Exact types, no unknown keys; a key that begins with `x-` is free."""

    # Deferred: most files are never read in a run, and their validators take longer to build than to use.
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, json_schema_extra=FREE_KEYS, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _leave_out_free_keys(cls, data: Any) -> Any:
        if isinstance(data, dict):
            return {key: value for key, value in data.items() if not key.startswith("x-")}
        return data
