"""Writes the JSON Schema of every file format of ours beside this file."""

from pathlib import Path

import msgspec
from pydantic import BaseModel

# Descriptions are read from the source of the models, which takes a tenth of a second: only here, before they are made.
BaseModel.model_config["use_attribute_docstrings"] = True

from taximeter.cli.schemas import SCHEMAS  # noqa: E402


def schemas() -> dict[str, bytes]:
    """Content of each schema file by its name."""
    about = "https://json-schema.org/draft/2020-12/schema"
    return {
        f"{name}.json": msgspec.json.format(
            msgspec.json.encode({"$schema": about} | model.model_json_schema(mode="validation")), indent=2
        )
        + b"\n"
        for name, model in SCHEMAS.items()
    }


if __name__ == "__main__":
    for name, content in schemas().items():
        Path(__file__).with_name(name).write_bytes(content)
