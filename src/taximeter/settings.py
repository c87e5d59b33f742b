"""Every environment variable that taximeter reads or sets, in one table."""

from __future__ import annotations

import os
from collections.abc import Mapping

import msgspec

TRUE = frozenset({"1", "true", "yes"})
FALSE = frozenset({"0", "false", "no", "off"})


class Variable(msgspec.Struct, frozen=True):
    """One environment variable."""

    name: str
    """Its own name."""

    meaning: str
    """What it says, for the documentation."""

    alias: str | None = None
    """An older name that is read when its own is not set."""

    def read(self, env: Mapping[str, str] | None = None) -> str | None:
        """Its value, else its alias's, else None; an empty value counts as not set."""
        env = os.environ if env is None else env
        return env.get(self.name) or (env.get(self.alias) if self.alias else None) or None

    def is_on(self, env: Mapping[str, str] | None = None) -> bool:
        """Whether it says yes: `1`, `true` or `yes` in any case."""
        return (self.read(env) or "").strip().lower() in TRUE

    def is_off(self, env: Mapping[str, str] | None = None) -> bool:
        """Whether it says no: `0`, `false`, `no` or `off` in any case; not set says nothing."""
        return (self.read(env) or "").strip().lower() in FALSE


ENABLED = Variable("TAXIMETER_ENABLED", "the recorder is on", alias="OGMEM_PERF_ENABLED")
RUN_ID = Variable("TAXIMETER_RUN_ID", "the run that this process belongs to", alias="OGMEM_PERF_RUN_ID")
RUN_DIR = Variable("TAXIMETER_RUN_DIR", "the run's directory")
ATTEMPT = Variable("TAXIMETER_ATTEMPT", "number of this try of the stage, from 1")
PROGRESS_FILE = Variable("TAXIMETER_PROGRESS_FILE", "where a stage appends its progress, one JSON line each")
OUTPUT_DIR = Variable("TAXIMETER_OUTPUT_DIR", "the folder that holds the manifest and all runs")
OUT = Variable(
    "TAXIMETER_OUT", "file for the events of this process, or a run directory: `DIR/`", alias="OGMEM_PERF_OUT"
)
HTTP_URL = Variable("TAXIMETER_HTTP_URL", "collector to which events go; wins over a file", alias="OGMEM_PERF_HTTP_URL")
RATE_CARD = Variable("TAXIMETER_RATE_CARD", "path of the price sheet", alias="OGMEM_PERF_RATE_CARD")
SHARD = Variable("TAXIMETER_SHARD", "number of this parallel copy of the stage, from 0")
SHARD_COUNT = Variable("TAXIMETER_SHARD_COUNT", "how many copies of the stage there are")
SESSION_ID = Variable("TAXIMETER_SESSION_ID", "session of everything that is recorded")
CAPTURE_MARKS = Variable("TAXIMETER_CAPTURE_MARKS", "file in which Python processes say that they capture calls")
PROXY = Variable("TAXIMETER_PROXY", "address of the proxy that records for this run")
CAPTURE = Variable("TAXIMETER_CAPTURE", "calls of the SDKs are captured: `1` or `auto`")
ASK_USAGE = Variable("TAXIMETER_ASK_USAGE", "`0`: streams are not asked to tell their usage")
CONTENT = Variable("TAXIMETER_CONTENT", "captured calls keep what was asked and answered")
BUDGET = Variable("TAXIMETER_BUDGET", "what may be spent: `5.00` or `cost=5.00,tokens=1000000,calls=500`")
TAGS = Variable("TAXIMETER_TAGS", "labels of everything that is recorded: `team=x,env=prod`")
WORKER_ID = Variable("TAXIMETER_WORKER_ID", "number of this worker: names its event file", alias="OGMEM_WORKER_ID")
HTTP_TOKEN = Variable("TAXIMETER_HTTP_TOKEN", "token that a collector asks for", alias="OGMEM_PERF_HTTP_TOKEN")
SERVE_TOKEN = Variable("TAXIMETER_SERVE_TOKEN", "token that the dashboard asks for")
COLLECT_TOKENS = Variable("TAXIMETER_COLLECT_TOKENS", "tokens that the collector asks for: `project=token,…`")
STAGE_RUN_ID = Variable("RUN_ID", "the run, for programs that know nothing of taximeter")
STAGE_ID = Variable("PIPELINE_STAGE_ID", "the stage that this process works for")
INSTRUMENT_ENABLED = Variable("INSTRUMENT_ENABLED", "the stage is metered")
INSTRUMENT_SINK = Variable("INSTRUMENT_SINK", "file to which calls are appended, one JSON line each")
INSTRUMENT_STAGE = Variable("INSTRUMENT_STAGE", "the stage, for programs that write to the sink")
TRACEPARENT = Variable("TRACEPARENT", "W3C trace context: the span under which this process works")

TABLE = (
    ENABLED,
    RUN_ID,
    RUN_DIR,
    ATTEMPT,
    PROGRESS_FILE,
    OUTPUT_DIR,
    OUT,
    HTTP_URL,
    RATE_CARD,
    SHARD,
    SHARD_COUNT,
    SESSION_ID,
    CAPTURE,
    CAPTURE_MARKS,
    PROXY,
    ASK_USAGE,
    CONTENT,
    BUDGET,
    TAGS,
    WORKER_ID,
    HTTP_TOKEN,
    SERVE_TOKEN,
    COLLECT_TOKENS,
    STAGE_RUN_ID,
    STAGE_ID,
    INSTRUMENT_ENABLED,
    INSTRUMENT_SINK,
    INSTRUMENT_STAGE,
    TRACEPARENT,
)

METERING = (
    ENABLED,
    RUN_ID,
    RUN_DIR,
    ATTEMPT,
    CAPTURE,
    CAPTURE_MARKS,
    PROXY,
    BUDGET,
    INSTRUMENT_ENABLED,
    INSTRUMENT_SINK,
    INSTRUMENT_STAGE,
    TRACEPARENT,
)
"""What only a metered stage gets; the driver takes it out of an inherited environment."""


def without_metering(env: Mapping[str, str]) -> dict[str, str]:
    """A copy of an environment in which no process would meter itself."""
    names = {name for variable in METERING for name in (variable.name, variable.alias)}
    return {name: value for name, value in env.items() if name not in names}
