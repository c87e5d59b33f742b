# ruff: noqa: E501 (the messages stand here as people see them)
"""What can be wrong with a command line and with the files that it names beside the recipe: each page as people see it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.conftest import Cli
from tests.recipes import write

FILES = {
    "r.yaml": """
name: p
stages:
  - {id: a, run: 'true'}
  - {id: b, run: 'true', needs: [a]}
  - {id: c, run: 'true'}
""",
    "one.yaml": """
models: {m: {free: true}}
""",
    "two.yaml": """
models: {m: {prompt_per_1k: 1}}
on_unknown: error
""",
    "over.yaml": """
stagse: []
stages: {}
tags: [x]
""",
    "list.yaml": """
- a
""",
    "config.yaml": """
recpie: r.yaml
run_id: 5
execution: {jobs: 0, skip_done: yes, jbos: 3}
instrumentation: {enabled: 1}
""",
    "away.yaml": """
recipe: gone.yaml
registry: nowhere
settings: ovre.yaml
""",
    "metered.yaml": """
enabled: yes
price_table: 3
include_calls: -1
capture: all
""",
    "prices.yaml": """
price_table: owo.yaml
""",
    "module.yaml": """
stages: [{module: m}]
""",
    "poems/poem.txt": """
a line
""",
    "poems/r.yaml": """
input: {text: poem.txt}
stages: [{id: a, run: x, inputs: {text: poem.txt}}]
""",
    "bad.yaml": """
run_id: a/b
stages: [{id: a, run: x}]
""",
}

PAGES = {
    "settings": (
        "run r.yaml --settings over.yaml",
        """
over.yaml:1:1: stagse: unknown key `stagse`
    did you mean `stages`?
over.yaml:2:1: stages: `stages` must be a list, not a map
over.yaml:3:1: tags: `tags` must be a map, not a list
3 problems
""",
    ),
    "settings that are a list": (
        "run r.yaml --settings list.yaml",
        """
list.yaml:1:1: settings must be a map
    write keys of a recipe, such as `stage_params`
""",
    ),
    "config": (
        "run --config config.yaml",
        """
config.yaml:1:1: recpie: unknown key `recpie`
    did you mean `recipe`?
config.yaml:2:1: run_id: `run_id` must be text, not the number 5
    put it in quotes
config.yaml:3:13: execution.jobs: `jobs` must be at least 1, not 0
config.yaml:3:22: execution.skip_done: `skip_done` must be true or false, not the text `yes`
    write true
config.yaml:3:38: execution.jbos: unknown key `jbos`
    did you mean `jobs`?
config.yaml:4:19: instrumentation.enabled: `enabled` must be true or false, not the number 1
6 problems
""",
    ),
    "files beside a recipe that is elsewhere": (
        "run poems/r.yaml",
        """
poems/r.yaml:1:9: input.text: there is no file `poem.txt`
    it is beside the recipe, and looked up in the working directory: go to `poems` first
poems/r.yaml:2:35: stages[0].inputs.text: there is no stage and no file `poem.txt`
    it is beside the recipe, and looked up in the working directory: go to `poems` first
2 problems
""",
    ),
    "files of a config": (
        "run --config away.yaml",
        """
away.yaml:1:1: recipe: there is no file `gone.yaml`
    did you mean `one.yaml`?
away.yaml:2:1: registry: there is no file `nowhere`
    it is looked up beside this file, then in the working directory
away.yaml:3:1: settings: there is no file `ovre.yaml`
    did you mean `over.yaml`?
3 problems
""",
    ),
    "instrument config": (
        "run r.yaml --instrument-config metered.yaml",
        """
metered.yaml:1:1: enabled: `enabled` must be true or false, not the text `yes`
    write true
metered.yaml:2:1: price_table: `price_table` must be text, not the number 3
    put it in quotes
metered.yaml:3:1: include_calls: `include_calls` must be at least 0, not -1
metered.yaml:4:1: capture: `capture` must be `auto`, `proxy` or `off`, not the text `all`
4 problems
""",
    ),
    "price table of an instrument config": (
        "run r.yaml --instrument-config prices.yaml",
        """
prices.yaml:1:1: price_table: there is no price sheet `owo.yaml`
    it is looked up beside this file, then in the working directory
""",
    ),
    "price table": (
        "run r.yaml --instrument --price-table owo.yaml",
        """
--price-table: there is no price sheet `owo.yaml`
    did you mean `two.yaml`?
""",
    ),
    "set": (
        "run r.yaml --set a --set .=3 --set d.x=1 --set a.b --set a.1=2 --set a.x=010 --set a.x=[1",
        """
--set a: this does not say what to set
    write `--set stage.param=value`
--set .=3: this does not say what to set
    write `--set stage.param=value`
--set d.x=1: there is no stage `d`
    known: `a`, `b`, `c`
--set a.b: this does not say what to set
    write `--set stage.param=value`
--set a.1=2: `1` cannot be a name
    use letters, digits, `_`, `-` and `.`, and begin with a letter or `_`
--set a.x=010: `010` is octal to some readers of YAML and decimal to others
    write 10, or for text: '010'
--set a.x=[1: this `[` is never closed
    close it
7 problems
""",
    ),
    "run id": (
        "run r.yaml --run-id a/b",
        """
the run id 'a/b' cannot name a directory
    use letters, digits, '.', '_' and '-', at most 80, and begin with a letter or a digit
""",
    ),
    "run id of the recipe": (
        "run bad.yaml",
        """
bad.yaml:1:1: run_id: the run id 'a/b' cannot name a directory
    use letters, digits, '.', '_' and '-', at most 80, and begin with a letter or a digit
""",
    ),
    "no recipe": (
        "run",
        """
there is no recipe to run
    name one, or give a --config that does: taximeter run recipe.yaml
""",
    ),
    "range": (
        "run r.yaml --run-id r --start-from d --end-at bb",
        """
--start-from d: there is no stage `d`
    known: `a`, `b`, `c`
--end-at bb: there is no stage `bb`
    did you mean `b`?
2 problems
""",
    ),
    "empty range": (
        "run r.yaml --run-id r --start-from c --end-at b",
        """
--start-from c: `b` does not depend on `c`, so nothing would be run
    start from a stage before the last one
""",
    ),
    "nowhere to go on": (
        "run r.yaml --run-id q --start-from b",
        """
--start-from b: there is no run q to go on in
    name the run to go on in with --run-id, or one to take stages from with --resume
""",
    ),
    "contradictions": (
        "run r.yaml --run-id r --force --skip-done --start-from a --allow-run-id-reuse",
        """
--start-from: --start-from runs again all that depends on the stage, --skip-done only what has changed
    give one of them
--force: --force discards what --skip-done goes on with
    give one of them
--force: --force discards what --allow-run-id-reuse goes on with
    give one of them
--force: --force discards what --start-from goes on with
    give one of them
4 problems
""",
    ),
    "downstream": (
        "run r.yaml --run-id r --keep-downstream",
        """
--keep-downstream: nothing is downstream of nothing
    name the stage with --start-from
""",
    ),
    "downstream of another run": (
        "run r.yaml --resume r --start-from a --keep-downstream",
        """
--keep-downstream: --resume makes a new run: what it has no use for is not in it
    leave --keep-downstream out
""",
    ),
    "no run named": (
        "run r.yaml --skip-done",
        """
--skip-done: this is about an existing run, and none is named
    give --run-id ID, or --resume latest for a new run that takes over what has not changed
""",
    ),
    "no run to discard": (
        "run r.yaml --force",
        """
--force: this is about an existing run, and none is named
    give --run-id ID
""",
    ),
    "existing run": (
        "run r.yaml --run-id r",
        """
{here}/output/runs/r: the run r exists already
    choose another --run-id, or one of these:
    --skip-done              runs what is not done or has changed
    --start-from STAGE       runs that stage again and all that depends on it
    --allow-run-id-reuse     runs every stage again, as a new attempt
    --force                  discards the run and starts over
""",
    ),
    "itself": (
        "run r.yaml --run-id r --resume r --allow-run-id-reuse",
        """
--resume r: a run cannot be resumed from itself
    give --skip-done to go on in it, or another --run-id
""",
    ),
    "other prices": (
        "run r.yaml --run-id r --skip-done --instrument --price-table two.yaml",
        """
--price-table two.yaml: the run r began with another price sheet, and has one only
    leave it out to keep that sheet, or give --force or another --run-id
""",
    ),
    "strict": (
        "run r.yaml --strict",
        """
--strict: the run is not metered, so there are no figures to be complete
    add --instrument
""",
    ),
    "registry": (
        "run module.yaml --registry nowhere",
        """
--registry: there is no registry `nowhere`
    name a folder that holds each module's `module.yaml`, or one YAML file with all
""",
    ),
    "cached": (
        "prices explain m --input 1 --cache-read 2",
        """
2 tokens are cached, and the input has only 1
    --input counts all input tokens, the cached ones, too
""",
    ),
    "unknown model": (
        "prices show mm --price-table one.yaml",
        """
no price of mm
    did you mean `m`?
""",
    ),
    "rename": (
        "reprice r --map m --price-table one.yaml",
        """
--map m does not say which model it becomes
    write --map OLD=NEW
""",
    ),
}


@pytest.mark.parametrize("name", PAGES)
def test_what_is_wrong_with_a_command_line_is_one_page(name: str, cli: Cli) -> None:
    arguments, page = PAGES[name]
    for file, text in FILES.items():
        write(file, text.removeprefix("\n"))
    write("output/runs/r/snapshots/plan.json", "{}")  # a run
    write("output/runs/r/snapshots/pricing.json", "{}")
    looks_only = arguments.startswith("run") and "--strict" not in arguments
    said = cli(*arguments.split(), *["--dry-run"] * looks_only, code=2)
    assert said.out == ""
    assert said.err == page.removeprefix("\n").replace("{here}", str(Path.cwd()))
