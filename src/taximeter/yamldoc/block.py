"""A map of an authored file: exact types and no unknown keys. Base of the models of all public formats in YAML."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

NOT_BLANK = r"\S"
Text = Annotated[str, Field(pattern=NOT_BLANK)]
"""Free text that is not blank."""

NAME_PATTERN = r"^[^\W\d][\w.-]*$"
NAME_HINT = "use letters, digits, `_`, `-` and `.`, and begin with a letter or `_`"
Name = Annotated[str, Field(pattern=NAME_PATTERN)]
"""A name that can stand in a placeholder and after `--`."""

VARIABLE_PATTERN = r"^[^=]+$"
Variable = Annotated[str, Field(pattern=VARIABLE_PATTERN)]
"""Name of an environment variable."""

FREE_KEYS: dict[str, Any] = {"patternProperties": {"^x-": {}}}
"""What the JSON Schema of a block says about keys that are free."""


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
