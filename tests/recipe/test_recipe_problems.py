# ruff: noqa: E501 (the messages stand here as people see them)
"""What can be wrong with a recipe, and the page of problems that comes of it."""

from __future__ import annotations

import pytest

from tests.recipes import page, write

MODULES = {
    "clean": """
module_id: clean
stage: clean
entrypoint: clean.py
param_schema:
  required: [mode]
  properties:
    mode: {enum: [fast, good]}
    limit: {type: integer, minimum: 1, default: 10}
    ratio: {type: number, exclusiveMinimum: 0, maximum: 1}
    langs: {type: array, items: {type: string}}
    name: {type: string, pattern: '^[a-z]+$'}
    strict: {type: boolean}
    size: {type: integer}
    filter: {type: object, properties: {depth: {minimum: 0}}}
""",
    "tool": """
module_id: tool
stage: tool
command: tool {inputs.src} {input.docs} --level {params.level} {out}
""",
    "plain": """
module_id: plain
entrypoint: some.package
""",
}

RECIPES = {
    "not a map": (
        """
- a
""",
        [
            "r.yaml:1:1: a recipe must be a map, not a list [write `stages:`, and a list of them below it]",
        ],
    ),
    "a text": (
        """
name:x
""",
        [
            "r.yaml:1:1: a recipe must be a map, not the text `name:x` [a key needs a space after its `:`]",
        ],
    ),
    "a number": (
        """
3
""",
        [
            "r.yaml:1:1: a recipe must be a map, not the number 3 [write `stages:`, and a list of them below it]",
        ],
    ),
    "no stages": (
        """
name: x
""",
        [
            "r.yaml:1:1: `stages` is missing",
        ],
    ),
    "stages is a map": (
        """
stages:
  a: {run: x}
""",
        [
            "r.yaml:1:1: `stages` must be a list, not a map",
        ],
    ),
    "no stage": (
        """
stages: []
""",
        [
            "r.yaml:1:1: `stages` must not be empty",
        ],
    ),
    "stages empty key": (
        """
stages:
""",
        [
            "r.yaml:1:1: `stages` must be a list, not nothing [give it a value, or leave the key out]",
        ],
    ),
    "a stage is a text": (
        """
stages: [clean]
""",
        [
            "r.yaml:1:10: `stages[0]` must be a map, not the text `clean`",
        ],
    ),
    "unknown keys": (
        """
nmae: x
stages:
  - stage: a
    rnu: x
  - stage: b
    run: y
    zzz: 1
instrumentation: {enable: true}
""",
        [
            "r.yaml:1:1: unknown key `nmae` [did you mean `name`?]",
            "r.yaml:4:5: unknown key `rnu` [did you mean `run`?]",
            "r.yaml:7:5: unknown key `zzz` [known: `budget`, `description`, `env`, `id`, `inputs`, `module`, `needs`, `out`, `params`, `resources`, `retries`, `run`, `shard_input`, `shards`, `stage`, `timeout`]",
            "r.yaml:8:19: unknown key `enable` [did you mean `enabled`?]",
        ],
    ),
    "ways of capture": (
        """
stages:
  - stage: a
    run: x
instrumentation: {capture: true}
""",
        [
            "r.yaml:4:19: `capture` must be `auto`, `proxy` or `off`, not true",
        ],
    ),
    "attempts and resources": (
        """
stages:
  - {id: a, run: x, timeout: true, resources: {cpus: 0, memory: 2 GiBs}}
  - id: b
    run: x
    timeout: 400d
    retries: {count: -1, delay: x, backoff: 0.5, on: [300, "3"], of: 1}
  - {id: c, run: x, retries: 3, resources: {cpus: two, memory: 0}}
  - {id: d, run: x, retries: {count: 1000, delay: -1, on: []}}
""",
        [
            "r.yaml:2:21: `timeout` must be seconds, or a duration, not true [write it like 90, 1.5s, 30m or 1h 30m, at most 365d]",
            "r.yaml:2:48: `cpus` must be more than 0, not 0",
            "r.yaml:2:57: `memory` must be bytes, or a size, not the text `2 GiBs` [write it like 500000000, 512MiB, 2GiB or 1.5GB]",
            "r.yaml:5:5: `timeout` must be seconds, or a duration, not the text `400d` [write it like 90, 1.5s, 30m or 1h 30m, at most 365d]",
            "r.yaml:6:15: `count` must be at least 0, not -1",
            "r.yaml:6:26: `delay` must be seconds, or a duration, not the text `x` [write it like 90, 1.5s, 30m or 1h 30m, at most 365d]",
            "r.yaml:6:36: `backoff` must be at least 1, not 0.5",
            "r.yaml:6:55: `on[0]` must be at most 255, not 300",
            "r.yaml:6:60: `on[1]` must be a whole number, not the text `3` [write 3 without quotes]",
            "r.yaml:6:66: unknown key `of` [known: `backoff`, `count`, `delay`, `on`]",
            "r.yaml:7:21: `retries` must be a map, not the number 3",
            "r.yaml:7:45: `cpus` must be a number, not the text `two`",
            "r.yaml:7:56: `memory` must be bytes, or a size, not the number 0 [write it like 500000000, 512MiB, 2GiB or 1.5GB]",
            "r.yaml:8:31: `count` must be at most 100, not 1000",
            "r.yaml:8:44: `delay` must be seconds, or a duration, not the number -1 [write it like 90, 1.5s, 30m or 1h 30m, at most 365d]",
            "r.yaml:8:55: `on` must not be empty",
        ],
    ),
    "wrong types": (
        """
name: 1.10
tags: {build: 12, ok: yes, on: true}
settings: [a]
output_dir: [x]
stages:
  - id: 5
    run: {x: y}
  - stage: b
    run: [1, a]
  - stage: c
    run: x
    needs: b
    env: {A: 1, 'B=C': x, '': y}
    params: a:1
    inputs: [x]
  - stage: d
    run: x
    out: {out}
""",
        [
            "r.yaml:1:1: `name` must be text, not the number 1.1 [put it in quotes]",
            "r.yaml:2:8: `build` must be text, not the number 12 [put it in quotes]",
            "r.yaml:2:28: `on` must be text, not true [put it in quotes]",
            "r.yaml:3:1: `settings` must be a map, not a list",
            "r.yaml:4:1: `output_dir` must be text, not a list",
            "r.yaml:6:5: `id` must be text, not the number 5 [put it in quotes]",
            "r.yaml:7:5: `run` must be text or a list, not a map [put it in quotes: what begins with `{` or holds `: ` is a map]",
            "r.yaml:9:11: `run[0]` must be text, not the number 1 [put it in quotes]",
            "r.yaml:12:5: `needs` must be a list, not the text `b` [put it in [brackets]]",
            "r.yaml:13:11: `A` must be text, not the number 1 [put it in quotes]",
            "r.yaml:13:17: `B=C` cannot be the name of a variable [a name has no `=` and is not empty]",
            "r.yaml:13:27: `` cannot be the name of a variable [a name has no `=` and is not empty]",
            "r.yaml:14:5: `params` must be a map, not the text `a:1` [a key needs a space after its `:`]",
            "r.yaml:15:5: `inputs` must be a map, not a list",
            "r.yaml:18:5: `out` must be text, not a map [put it in quotes: what begins with `{` or holds `: ` is a map]",
        ],
    ),
    "instrumentation": (
        """
instrumentation: {enabled: on, include_calls: -1, price_table: 3}
stages: [{stage: a, run: x}]
""",
        [
            "r.yaml:1:19: `enabled` must be true or false, not the text `on` [write true]",
            "r.yaml:1:32: `include_calls` must be at least 0, not -1",
            "r.yaml:1:51: `price_table` must be text, not the number 3 [put it in quotes]",
        ],
    ),
    "instrumentation calls": (
        """
instrumentation: {include_calls: many}
stages: [{stage: a, run: x}]
""",
        [
            "r.yaml:1:19: `include_calls` must be a whole number or true or false, not the text `many`",
        ],
    ),
    "blank": (
        """
name: ''
run_id: ' '
stages:
  - id: ''
    run: ' '
  - stage: b
    run: []
""",
        [
            "r.yaml:1:1: `name` must not be blank",
            "r.yaml:2:1: `run_id` must not be blank",
            "r.yaml:4:5: `id` must not be blank",
            "r.yaml:5:5: `run` must not be blank",
            "r.yaml:7:5: `run` must not be empty",
        ],
    ),
    "nothing": (
        """
stages:
  - stage: a
    run: x
    params:
    needs:
    env:
""",
        [
            "r.yaml:4:5: `params` must be a map, not nothing [give it a value, or leave the key out]",
            "r.yaml:5:5: `needs` must be a list, not nothing [give it a value, or leave the key out]",
            "r.yaml:6:5: `env` must be a map, not nothing [give it a value, or leave the key out]",
        ],
    ),
    "names": (
        """
input: {a b: data.txt}
stages:
  - stage: a
    run: x
    params: {'1st': x, 'a=b': 1}
""",
        [
            "r.yaml:1:9: `a b` cannot be a name [use letters, digits, `_`, `-` and `.`, and begin with a letter or `_`]",
            "r.yaml:5:14: `1st` cannot be a name [use letters, digits, `_`, `-` and `.`, and begin with a letter or `_`]",
            "r.yaml:5:24: `a=b` cannot be a name [use letters, digits, `_`, `-` and `.`, and begin with a letter or `_`]",
        ],
    ),
    "module or run": (
        """
stages:
  - stage: a
  - stage: b
    run: x
    module: clean
""",
        [
            "r.yaml:2:5: the stage has neither `module` nor `run` [give it one]",
            "r.yaml:3:5: the stage has both `module` and `run` [keep one of them]",
        ],
    ),
    "no program": (
        """
stages: [{stage: a, run: ['', x]}]
""",
        [
            "r.yaml:1:27: the command does not begin with a program [write it first, as in [python, script.py]]",
        ],
    ),
    "no name": (
        """
stages:
  - run: x
  - run: y
""",
        [
            "r.yaml:2:5: the stage has no name [give it a `stage` or an `id`]",
            "r.yaml:3:5: the stage has no name [give it a `stage` or an `id`]",
        ],
    ),
    "run id": (
        """
run_id: a/b
stages: [{stage: a, run: x}]
""",
        [
            "r.yaml:1:1: the run id 'a/b' cannot name a directory [use letters, digits, '.', '_' and '-', at most 80, and begin with a letter or a digit]",
        ],
    ),
    "module": (
        """
stages:
  - {stage: a, module: claen, params: {mode: fast}}
  - {stage: b, module: zebra}
""",
        [
            "r.yaml:2:16: there is no module `claen` in `modules` [did you mean `clean`?]",
            "r.yaml:3:16: there is no module `zebra` in `modules` [known: `clean`, `plain`, `tool`]",
        ],
    ),
    "duplicate ids": (
        """
stages:
  - id: a
    run: x
  - stage: a
    run: y
  - {id: b, run: x}
  - run: z
    id: a
""",
        [
            "r.yaml:4:5: there is another stage `a`, on line 2 [give one of them an `id` of its own]",
            "r.yaml:8:5: there is another stage `a`, on line 2 [give one of them an `id` of its own]",
        ],
    ),
    "needs": (
        """
stages:
  - {id: clean, run: x}
  - {id: split, run: x, needs: [claen, nothing, split2]}
""",
        [
            "r.yaml:3:33: there is no stage `claen` [did you mean `clean`?]",
            "r.yaml:3:40: there is no stage `nothing` [known: `clean`, `split`]",
            "r.yaml:3:49: there is no stage `split2` [did you mean `split`?]",
        ],
    ),
    "inputs": (
        """
input: {docs: data.tx, more: sub/file.csw, none: /nope/x}
stages:
  - {id: clean, run: x}
  - id: split
    run: x
    inputs: {a: claen, b: data.txtt, c: sub/nope/x}
""",
        [
            "r.yaml:1:9: there is no file `data.tx` [did you mean `data.txt`?]",
            "r.yaml:1:24: there is no file `sub/file.csw` [did you mean `sub/file.csv`?]",
            "r.yaml:1:44: there is no file `/nope/x`",
            "r.yaml:6:14: there is no stage and no file `claen` [did you mean `clean`?]",
            "r.yaml:6:24: there is no stage and no file `data.txtt` [did you mean `data.txt`?]",
            "r.yaml:6:38: there is no stage and no file `sub/nope/x` [known: `clean`, `split`]",
        ],
    ),
    "circle": (
        """
stages:
  - {id: a, run: x, needs: [c]}
  - {id: b, run: x, inputs: {q: a}}
  - {id: c, run: x, needs: [z, b]}
  - {id: z, run: x}
  - {id: d, run: x, needs: [d]}
  - {id: e, run: x, needs: [a, d]}
""",
        [
            "r.yaml:2:29: the stages wait for each other: a -> c -> b -> a [one of them must not need the next]",
            "r.yaml:6:29: the stages wait for each other: d -> d [one of them must not need the next]",
        ],
    ),
    "out": (
        """
stages:
  - {id: a, run: x, out: /abs}
  - {id: b, run: x, out: ../b}
  - {id: c, run: x, out: a/../../b}
  - {id: d, run: x, out: .}
  - {id: e, run: x, out: calls.1.jsonl}
  - {id: f, run: x, out: log.2.txt/x}
""",
        [
            "r.yaml:2:21: `/abs` is no path inside the stage's folder [write a file name, or folders and a file name]",
            "r.yaml:3:21: `../b` is no path inside the stage's folder [write a file name, or folders and a file name]",
            "r.yaml:4:21: `a/../../b` is no path inside the stage's folder [write a file name, or folders and a file name]",
            "r.yaml:5:21: `.` is no path inside the stage's folder [write a file name, or folders and a file name]",
            "r.yaml:6:21: `calls.1.jsonl` is the name of something that a run puts there [choose another name]",
            "r.yaml:7:21: `log.2.txt/x` is the name of something that a run puts there [choose another name]",
        ],
    ),
    "outputs": (
        """
outputs: {a: ../x, nope: y}
stages:
  - {stage: a, run: x}
  - {stage: a, run: x}
""",
        [
            "r.yaml:1:11: `../x` is no path inside the stage's folder [write a file name, or folders and a file name]",
            "r.yaml:1:20: there is no stage `nope` [known: `a`, `a-2`]",
        ],
    ),
    "stage_params": (
        """
stage_params: {claen: {limit: 1}}
stages:
  - {stage: clean, module: clean, params: {mode: fast}}
""",
        [
            "r.yaml:1:16: there is no stage `claen` [did you mean `clean`?]",
        ],
    ),
    "placeholders in a list": (
        """
input: {docs: data.txt}
stages:
  - id: a
    inputs: {src: data.txt}
    params: {limit: 3}
    run: [x, '{src}', '{inputs.scr}', '{input.dosc}', '{params.limt}', '{ouput}', '{call}', '{print $1}', '{}', 'a{', '}b']
""",
        [
            "r.yaml:6:15: unknown placeholder `{src}` [known: `{input.NAME}`, `{inputs.NAME}`, `{out}`, `{params.NAME}`, `{progress_file}`, `{python}`, `{run_dir}`, `{run_id}`, `{shard.count}`, `{shard.index}`, `{stage_dir}`, `{state_file}`]",
            "r.yaml:6:24: the stage has no input `scr` [did you mean `src`?]",
            "r.yaml:6:40: the recipe has no input `dosc` [did you mean `docs`?]",
            "r.yaml:6:56: the stage has no parameter `limt` [did you mean `limit`?]",
            "r.yaml:6:73: unknown placeholder `{ouput}` [did you mean `{out}`?]",
            "r.yaml:6:84: unknown placeholder `{call}` [known: `{input.NAME}`, `{inputs.NAME}`, `{out}`, `{params.NAME}`, `{progress_file}`, `{python}`, `{run_dir}`, `{run_id}`, `{shard.count}`, `{shard.index}`, `{stage_dir}`, `{state_file}`]",
            "r.yaml:6:94: `{print $1}` is not a placeholder [write `{{` and `}}` for braces]",
            "r.yaml:6:108: `{}` is not a placeholder [write `{{` and `}}` for braces]",
            "r.yaml:6:115: `{` is not a placeholder [write `{{` and `}}` for braces]",
            "r.yaml:6:120: `}` is not a placeholder [write `{{` and `}}` for braces]",
        ],
    ),
    "placeholders in a script": (
        """
stages:
  - id: a
    inputs: {src: data.txt}
    run: |
      awk '{print $1}' {inputs.src} > {out}
      cat ${HOME} {ouput} {inputs.scr}
      echo {params.x}
""",
        [
            "r.yaml:6:27: the stage has no input `scr` [did you mean `src`?]",
            "r.yaml:7:12: the stage has no parameter `x` [add it to the stage's `params`]",
        ],
    ),
    "params": (
        """
stages:
  - {id: a, module: clean, params: {mode: fsat, limit: 0, raito: 0.5}}
  - {id: b, module: clean, params: {mode: good, limit: '5', ratio: 2, langs: {a: 1}, size: 1_000}}
  - id: c
    module: clean
    params:
      mode: [fast]
      langs: [en, 3]
      name: UPPER
  - {id: d, module: clean}
  - {id: e, module: clean, params: {mode: }}
  - {id: f, module: clean, params: {mode: fast, strict: yes, ratio: high, filter: {depth: -1}}}
""",
        [
            "r.yaml:2:37: `mode` must be one of `fast`, `good`, not the text `fsat` [did you mean `fast`?]",
            "r.yaml:2:49: `limit` must be at least 1, not the number 0",
            "r.yaml:2:59: module `clean` has no parameter `raito` [did you mean `ratio`?]",
            "r.yaml:3:49: `limit` must be a whole number, not the text `5` [write 5 without quotes]",
            "r.yaml:3:61: `ratio` must be at most 1, not the number 2",
            "r.yaml:3:71: `langs` must be a list, not a map",
            "r.yaml:3:86: `size` must be a whole number, not the text `1_000` [write 1000 without quotes]",
            "r.yaml:7:7: `mode` must be one of `fast`, `good`, not a list",
            "r.yaml:8:19: `langs[1]` must be text, not the number 3 [put it in quotes]",
            "r.yaml:9:7: `name` must match `^[a-z]+$`, not the text `UPPER`",
            "r.yaml:10:5: the parameter `mode` is missing [add it to `params`]",
            "r.yaml:11:37: the parameter `mode` is missing [add it to `params`]",
            "r.yaml:12:49: `strict` must be true or false, not the text `yes` [write true]",
            "r.yaml:12:62: `ratio` must be a number, not the text `high`",
            "r.yaml:12:84: `filter.depth` must be at least 0, not the number -1",
        ],
    ),
    "module command": (
        """
stages:
  - {id: a, module: tool, params: {level: 1}}
  - {id: b, module: tool, inputs: {source: data.txt}, params: {lvel: 1}}
""",
        [
            "r.yaml:2:5: module `tool` needs the input `src` [add it to the stage's `inputs`]",
            "r.yaml:2:13: module `tool` needs the input `docs` of the recipe [add it to the recipe's `input`]",
            "r.yaml:3:13: module `tool` needs the input `docs` of the recipe [add it to the recipe's `input`]",
            "r.yaml:3:27: module `tool` needs the input `src` [did you mean `source`?]",
            "r.yaml:3:55: module `tool` needs the parameter `level` [did you mean `lvel`?]",
        ],
    ),
    "same option twice": (
        """
stages:
  - {id: a, module: plain, inputs: {src: data.txt}, params: {src: 1, out: 2}}
""",
        [
            "r.yaml:2:5: the option `--src` would be given twice [an input, a parameter and `out` cannot have the same name]",
            "r.yaml:2:5: the option `--out` would be given twice [an input, a parameter and `out` cannot have the same name]",
        ],
    ),
    "price table": (
        """
instrumentation: {price_table: prices.yaml}
stages: [{stage: a, run: x}]
""",
        [
            "r.yaml:1:19: there is no price sheet `prices.yaml` [it is looked up beside this file, then in the working directory]",
        ],
    ),
    "everything at once": (
        """
name: 1
stages:
  - {id: a, run: x, needs: [nope], timeout: soon}
  - {id: b, module: nope, needs: [c]}
  - {id: c, run: 'cat {inputs.x}', out: ../y, needs: [b]}
  - {id: c, module: clean, inputs: {src: gone.txt}, params: {limt: 3}}
""",
        [
            "r.yaml:1:1: `name` must be text, not the number 1 [put it in quotes]",
            "r.yaml:3:29: there is no stage `nope` [known: `a`, `b`, `c`]",
            "r.yaml:3:36: `timeout` must be seconds, or a duration, not the text `soon` [write it like 90, 1.5s, 30m or 1h 30m, at most 365d]",
            "r.yaml:4:13: there is no module `nope` in `modules` [known: `clean`, `plain`, `tool`]",
            "r.yaml:4:35: the stages wait for each other: b -> c -> b [one of them must not need the next]",
            "r.yaml:5:23: the stage has no input `x` [add it to the stage's `inputs`]",
            "r.yaml:5:36: `../y` is no path inside the stage's folder [write a file name, or folders and a file name]",
            "r.yaml:6:6: there is another stage `c`, on line 5 [give one of them an `id` of its own]",
            "r.yaml:6:37: there is no stage and no file `gone.txt` [known: `a`, `b`, `c`]",
            "r.yaml:6:53: the parameter `mode` is missing [add it to `params`]",
            "r.yaml:6:62: module `clean` has no parameter `limt` [did you mean `limit`?]",
        ],
    ),
    "a stage with several faults": (
        """
nmae: x
stages:
  - {id: a, run: 'x {inputs.q}', needs: [b, 7, nope], out: ../x, zzz: 1}
  - {id: b, run: x, needs: [a], description: 3}
  - {id: b, run: x, env: {A: 1}}
  - {id: c, timeout: 0}
  - {id: d, module: clean, run: [1, '{outt}'], params: {limit: 0}}
""",
        [
            "r.yaml:1:1: unknown key `nmae` [did you mean `name`?]",
            "r.yaml:3:21: the stage has no input `q` [add it to the stage's `inputs`]",
            "r.yaml:3:42: the stages wait for each other: a -> b -> a [one of them must not need the next]",
            "r.yaml:3:45: `needs[1]` must be text, not the number 7 [put it in quotes]",
            "r.yaml:3:48: there is no stage `nope` [known: `a`, `b`, `c`, `d`]",
            "r.yaml:3:55: `../x` is no path inside the stage's folder [write a file name, or folders and a file name]",
            "r.yaml:3:66: unknown key `zzz` [known: `budget`, `description`, `env`, `id`, `inputs`, `module`, `needs`, `out`, `params`, `resources`, `retries`, `run`, `shard_input`, `shards`, `stage`, `timeout`]",
            "r.yaml:4:33: `description` must be text, not the number 3 [put it in quotes]",
            "r.yaml:5:6: there is another stage `b`, on line 4 [give one of them an `id` of its own]",
            "r.yaml:5:27: `A` must be text, not the number 1 [put it in quotes]",
            "r.yaml:6:5: the stage has neither `module` nor `run` [give it one]",
            "r.yaml:6:13: `timeout` must be more than 0, not 0",
            "r.yaml:7:5: the stage has both `module` and `run` [keep one of them]",
            "r.yaml:7:34: `run[0]` must be text, not the number 1 [put it in quotes]",
        ],
    ),
    "nothing is concluded from what cannot be used": (
        """
inptu: {docs: data.txt}
stage_params: {clean: [mode]}
stages:
  - {id: 5, run: 'x {input.docs}'}
  - {id: b, run: 'x {inputs.src} {params.n}', imputs: {src: data.txt}, params: n=1, needs: ['5']}
  - {id: c, module: clean, parms: {mode: fast}}
  - {id: [], stage: b, run: x}
  - {id: d, rnu: x}
  - {stage: e, modlue: clean, params: {limit: 0}}
  - {moduel: clean}
  - text
""",
        [
            "r.yaml:1:1: unknown key `inptu` [did you mean `input`?]",
            "r.yaml:2:16: `clean` must be a map, not a list",
            "r.yaml:4:6: `id` must be text, not the number 5 [put it in quotes]",
            "r.yaml:5:47: unknown key `imputs` [did you mean `inputs`?]",
            "r.yaml:5:72: `params` must be a map, not the text `n=1`",
            "r.yaml:6:28: unknown key `parms` [did you mean `params`?]",
            "r.yaml:7:6: `id` must be text, not a list",
            "r.yaml:8:13: unknown key `rnu` [did you mean `run`?]",
            "r.yaml:9:16: unknown key `modlue` [did you mean `module`?]",
            "r.yaml:10:6: unknown key `moduel` [did you mean `module`?]",
            "r.yaml:11:5: `stages[7]` must be a map, not the text `text`",
        ],
    ),
    "a misspelt key makes a graph, too": (
        """
input: {docs: data.txt}
stages:
  - {stage: a, run: 'x {input.docs}'}
  - {stage: b, run: 'x {inputs.src}', imputs: {src: a}}
""",
        [
            "r.yaml:4:39: unknown key `imputs` [did you mean `inputs`?]",
        ],
    ),
    "yaml": (
        """
stages:
  - id: a
    id: b
	run: x
""",
        [
            "r.yaml:3:5: the key `id` is given again [it is first given on line 2; keep one]",
            "r.yaml:4:1: a tab cannot indent [use spaces]",
        ],
    ),
    "hostile": (
        r"""
stages:
  - {id: "a\e[31m[red]\n", run: x, needs: ["b\u202e[/x]"]}
""",
        [
            "r.yaml:2:44: there is no stage `b\\u202e[/x]` [known: `a\\u001b[31m[red]\\n`]",
        ],
    ),
    "an unknown key that could be anything": (
        r"""
stages: [{stage: a, run: x}]
'a\b c': 1
""",
        [
            "r.yaml:2:1: unknown key `a\\b c` [known: `budget`, `input`, `instrumentation`, `name`, `output_dir`, `outputs`, `run_id`, `settings`, `stage_params`, `stages`, `tags`]",
        ],
    ),
}


@pytest.mark.parametrize("name", RECIPES)
def test_a_bad_recipe_gives_one_page_of_problems(name: str) -> None:
    for module, text in MODULES.items():
        write(f"modules/{module}/module.yaml", text.removeprefix("\n"))
    for path in ("modules/clean/clean.py", "data.txt", "sub/file.csv"):
        write(path)
    recipe, problems = RECIPES[name]
    assert page(recipe.removeprefix("\n")) == problems
