"""Compiles what every span goes through, by mypyc and from the same source, when a wheel for one platform is wanted.

    HATCH_BUILD_HOOK_ENABLE_CUSTOM=1 uv build --wheel

Without the variable the wheel is the one for every platform, in which Python interprets these modules as all others.
"""

from __future__ import annotations

from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

COMPILED = (
    "journal/line",
    "journal/pen",
    "recorder/context",
    "recorder/guard",
    "recorder/process",
    "recorder/spans",
    "recorder/stages",
    "recorder/state",
)


class CompiledModules(BuildHookInterface):  # type: ignore[type-arg]
    """Puts compiled modules beside the source of them, which Python then leaves alone."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Compiles them; CompileError where there is no compiler of C."""
        from mypyc.build import mypycify
        from setuptools import Distribution

        self._folder = TemporaryDirectory()
        built = Path(self._folder.name)
        with chdir(Path(self.root) / "src"):
            files = [f"taximeter/{name}.py" for name in COMPILED]
            options = ["--config-file=", "--follow-imports=silent", f"--cache-dir={built}/cache"]
            extensions = mypycify([*options, *files], group_name="taximeter", target_dir=f"{built}/c")
            build = Distribution({"ext_modules": extensions}).get_command_obj("build_ext")
            build.build_lib, build.build_temp = f"{built}/lib", f"{built}/o"  # type: ignore[attr-defined]
            build.ensure_finalized()
            build.run()
        libraries = built / "lib"
        for path in libraries.rglob("*.so"):
            build_data["force_include"][str(path)] = str(path.relative_to(libraries))
        build_data.update(pure_python=False, infer_tag=True)

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """Removes what the wheel was made of."""
        self._folder.cleanup()
