"""What a run was made from, kept beside it. No secret is in it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

from taximeter.pricing.sheet import Sheet
from taximeter.redact import silent, without_secrets
from taximeter.rundir import RunDir, replace

if TYPE_CHECKING:
    from taximeter.recipe.planner import Checked


def write_sheet(sheet: Sheet | None, run: RunDir) -> Sheet | None:
    """The compiled price sheet, unless the run has one: it does not change in a run. Given back if it was written."""
    if sheet is None or run.pricing.exists():
        return None
    replace(run.pricing, sheet.encoded)
    return sheet


def write_snapshots(checked: Checked, run: RunDir) -> None:
    """Recipe, plan, used modules, settings and instrumentation."""
    plan = checked.plan
    files = {
        "recipe.yaml": _recipe(checked),
        "plan.json": plan.snapshot(),
        "registry.json": _json({name: msgspec.to_builtins(module.block) for name, module in checked.modules.items()}),
        "settings.yaml": _json(plan.settings),
        "instrumentation.yaml": _json(plan.instrumentation),
    }
    for name, content in files.items():
        replace(run.snapshots / name, content)


def _recipe(checked: Checked) -> bytes:
    """The recipe as it was written; without its comments if settings were laid over it or values taken out."""
    from taximeter.yamldoc import Overlaid  # a command without a recipe does not wait for it

    document = checked.recipe.document
    assert isinstance(document.data, dict)
    is_plain = not isinstance(document, Overlaid) and not any(stage.env_names for stage in checked.plan.stages)
    if is_plain and silent(document.data) == document.data and without_secrets(document.text) == document.text:
        return document.text.encode()
    stages: Any = document.data["stages"]
    bare = [stage | {"env": dict.fromkeys(stage["env"])} if "env" in stage else stage for stage in stages]
    return _json(document.data | {"stages": bare})


def _json(value: object) -> bytes:
    """JSON, which is YAML too: it says exactly what a value is."""
    return msgspec.json.format(msgspec.json.encode(silent(msgspec.to_builtins(value))), indent=2) + b"\n"
