"""The proxy of a run: started before the first stage, and ended after the last; what goes through it is recorded."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import quote

import msgspec

from taximeter import settings
from taximeter.budget import NO_BUDGET, Budget
from taximeter.errors import RunDirError
from taximeter.recipe.plan import Instrumentation, PlannedShard, PlannedStage
from taximeter.run.dismissal import dismiss
from taximeter.rundir import RunDir

_COMMAND = (sys.executable, "-P", "-m", "taximeter", "proxy", "--json", "--end-with-stdin", "--run-dir")
_FAREWELL = 15.0
"""Seconds that it gets at its end; it gives ten to requests on their way."""

_HERE = "127.0.0.1"
_OUTER = ("http_proxy", "all_proxy")
"""Variables, in small letters or capitals, by which requests to the proxy would go to another one."""


class _Told(msgspec.Struct, frozen=True):
    """What it says when it answers."""

    address: str
    environment: dict[str, str]
    """The base URLs by which SDKs come to it, by the variables that they read."""


class Direct:
    """There is no proxy: whoever asks a model asks it."""

    def variables(self, environment: Mapping[str, str], stage: PlannedStage, attempt: int) -> dict[str, str]:
        """None are needed."""
        return {}

    def close(self) -> None:
        """Nothing was started."""


class Proxy:
    """A `taximeter proxy` that writes to this run. However this process ends, it ends too."""

    def __init__(self, process: subprocess.Popen[bytes], told: _Told, log: Path) -> None:
        self._process = process
        self._told = told
        self._log = log
        self._is_closed = False

    @classmethod
    def start(cls, run: RunDir, budget: Budget) -> Proxy:
        """Returns when it answers; RunDirError with what it says if it does not come so far.

        `budget` is what may still be spent: the proxy refuses the call that would be too much before it is sent.
        """
        told = {settings.BUDGET.name: str(budget)} if budget else {}
        with run.proxy_log.open("wb") as log:
            process = subprocess.Popen(
                [*_COMMAND, str(run.path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=settings.without_metering(os.environ) | told,
                start_new_session=True,  # it is not for the proxy to end when somebody presses Ctrl-C
            )
        assert process.stdout is not None
        line = process.stdout.readline()
        if not line:
            process.communicate()
            lines = run.proxy_log.read_text(errors="backslashreplace").split("\n")
            said = "; ".join(filter(None, map(str.strip, lines))) or f"exit code {process.returncode}"
            raise RunDirError(f"the proxy did not start: {said}")
        return cls(process, msgspec.json.decode(line, type=_Told), run.proxy_log)

    def variables(self, environment: Mapping[str, str], stage: PlannedStage, attempt: int) -> dict[str, str]:
        """What sends the SDKs of an attempt with this environment to the proxy, which knows by it whose calls they are.

        A base URL that the recipe gives the stage stays: the proxy forwards to the one that the driver has.
        """
        address = self._told.address
        shard = f"/n/{stage.number}" if isinstance(stage, PlannedShard) else ""
        here = f"{address}/s/{quote(stage.id, safe='')}{shard}/a/{attempt}"
        urls = {name: url.replace(address, here, 1) for name, url in self._told.environment.items()}
        told = {name: url for name, url in urls.items() if name not in stage.env}
        return told | {settings.PROXY.name: address} | _past_others(environment)

    def close(self) -> None:
        """Ends it, once requests on their way are answered; ChildProcessError if it has ended before."""
        if self._is_closed:
            return
        self._is_closed = True
        died = self._process.poll() is not None
        dismiss(self._process, _FAREWELL)
        if died:
            raise ChildProcessError(f"the proxy ended before the run did, see {self._log}")


def proxy_of(instrumentation: Instrumentation, run: RunDir, budget: Budget = NO_BUDGET) -> Proxy | Direct:
    """What a run with this instrumentation needs."""
    return Proxy.start(run, budget) if instrumentation.enabled and instrumentation.capture == "proxy" else Direct()


def _past_others(environment: Mapping[str, str]) -> dict[str, str]:
    """What lets requests to this machine by, where the environment sends requests to a proxy for everything."""
    if not any(environment.get(name) or environment.get(name.upper()) for name in _OUTER):
        return {}
    names = ("no_proxy", "NO_PROXY")
    before = next((environment[name] for name in names if environment.get(name)), None)
    return dict.fromkeys(names, f"{before},{_HERE}" if before else _HERE)
