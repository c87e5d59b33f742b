# ruff: noqa: E501 (the messages stand here as people see them)
"""What can be wrong with a module, and the page of problems that comes of it."""

from __future__ import annotations

import pytest

from tests.recipes import page, write

MODULES = {
    "no program": (
        """
module_id: m
command: ['', x]
""",
        [
            "modules/m/module.yaml:2:11: the command does not begin with a program [write it first, as in [python, script.py]]",
        ],
    ),
    "unknown keys and types": (
        """
module_id: m
entrypiont: m.py
stage: 3
notes: [a]
""",
        [
            "modules/m/module.yaml:2:1: unknown key `entrypiont` [did you mean `entrypoint`?]",
            "modules/m/module.yaml:3:1: `stage` must be text, not the number 3 [put it in quotes]",
            "modules/m/module.yaml:4:1: `notes` must be text, not a list",
        ],
    ),
    "all at once": (
        """
module_id: m
stage: 3
entrypoint: gone.py
defualt_params: {limit: 0}
output_schema: gone.json
param_schema:
  required: [limit]
  properties:
    a: {type: strin}
    limit: {type: integer}
""",
        [
            "modules/m/module.yaml:2:1: `stage` must be text, not the number 3 [put it in quotes]",
            "modules/m/module.yaml:3:1: there is no file `gone.py` [it is looked up beside this file, then in the working directory]",
            "modules/m/module.yaml:4:1: unknown key `defualt_params` [did you mean `default_params`?]",
            "modules/m/module.yaml:5:1: there is no schema `gone.json` [name a JSON Schema file beside this file or the registry, a pydantic class `package.module:Class`, or a format of taximeter]",
            "modules/m/module.yaml:9:9: `strin` is not a type [did you mean `string`?]",
        ],
    ),
    "nobody knows what is needed": (
        """
module_id: m
command: 3
default_params: [limit]
param_schema: {required: [limit], properties: {limit: {type: integer}}}
""",
        [
            "modules/m/module.yaml:2:1: `command` must be text or a list, not the number 3 [put it in quotes]",
            "modules/m/module.yaml:3:1: `default_params` must be a map, not a list",
        ],
    ),
    "a wrong type and nothing to call": (
        """
module_id: m
stage: 3
""",
        [
            "modules/m/module.yaml:1:1: the module has neither `entrypoint` nor `command` [give it one of them]",
            "modules/m/module.yaml:2:1: `stage` must be text, not the number 3 [put it in quotes]",
        ],
    ),
    "nothing to call": (
        """
module_id: m
""",
        [
            "modules/m/module.yaml:1:1: the module has neither `entrypoint` nor `command` [give it one of them]",
        ],
    ),
    "no id": (
        """
entrypoint: m.py
""",
        [
            "modules/m/module.yaml:1:1: `module_id` is missing",
        ],
    ),
    "not an entrypoint": (
        """
module_id: m
entrypoint: main.js
mock: a b
""",
        [
            "modules/m/module.yaml:2:1: `main.js` is a file, but not one of Python [give a `command` for a program in another language]",
            "modules/m/module.yaml:3:1: this is not an entrypoint [write `path.py`, `package.module` or `path.py:function`; for another language, give a `command`]",
        ],
    ),
    "no such file": (
        """
module_id: m
entrypoint: gone.py:run
""",
        [
            "modules/m/module.yaml:2:1: there is no file `gone.py` [it is looked up beside this file, then in the working directory]",
        ],
    ),
    "quote": (
        """
module_id: m
command: x 'y
""",
        [
            "modules/m/module.yaml:2:1: the command cannot be split: No closing quotation [close each quote, or write it as a list of words]",
        ],
    ),
    "template": (
        """
module_id: m
command: x {ouput} {inputs} {params.} {print $1}
""",
        [
            "modules/m/module.yaml:2:12: unknown placeholder `{ouput}` [did you mean `{out}`?]",
            "modules/m/module.yaml:2:12: `{` is not a placeholder [write `{{` and `}}` for braces]",
            "modules/m/module.yaml:2:18: `}` is not a placeholder [write `{{` and `}}` for braces]",
            "modules/m/module.yaml:2:20: unknown placeholder `{inputs}` [did you mean `{inputs.NAME}`?]",
            "modules/m/module.yaml:2:29: unknown placeholder `{params.}` [did you mean `{params.NAME}`?]",
        ],
    ),
    "signs of a shell": (
        """
module_id: m
command: wc -l '>' 2>&1 > {out}
""",
        [
            """modules/m/module.yaml:2:20: `2>` is for a shell, and none runs this command [call one: sh -c 'wc -l "$1" > "$2"' sh {inputs.NAME} {out}; for the text itself write '2>']""",
        ],
    ),
    "template in a list": (
        """
module_id: m
command:
  - x
  - '{outt}'
  - '{{"a": 1}}'
  - '{"a": 1}'
""",
        [
            "modules/m/module.yaml:4:6: unknown placeholder `{outt}` [did you mean `{out}`?]",
            'modules/m/module.yaml:6:6: `{"a": 1}` is not a placeholder [write `{{` and `}}` for braces]',
        ],
    ),
    "schema": (
        """
module_id: m
entrypoint: m.py
param_schema:
  type: array
  properties:
    a: {type: strin, minimum: x, required: true, pattern: '['}
    b: 3
    c: {enum: x, maxLength: -1}
    d e: {type: integer}
  limit: {type: integer}
  propertes: {}
  required: a
""",
        [
            "modules/m/module.yaml:4:3: parameters are always an `object` [leave `type` out]",
            "modules/m/module.yaml:6:9: `strin` is not a type [did you mean `string`?]",
            "modules/m/module.yaml:6:22: `properties.a.minimum` must be a number, not the text `x`",
            "modules/m/module.yaml:6:34: `required` must be a list [list the names of required parameters beside `properties`]",
            "modules/m/module.yaml:6:50: `[` is not a regular expression",
            "modules/m/module.yaml:7:5: `properties.b` must be a map or true or false, not the number 3",
            "modules/m/module.yaml:8:9: `properties.c.enum` must be a list, not the text `x` [put it in [brackets]]",
            "modules/m/module.yaml:8:18: `properties.c.maxLength` must be at least 0, not the number -1",
            "modules/m/module.yaml:10:3: unknown keyword `limit` [parameters stand under `properties`]",
            "modules/m/module.yaml:11:3: unknown keyword `propertes` [did you mean `properties`?]",
            "modules/m/module.yaml:12:3: `required` must be a list, not the text `a` [put it in [brackets]]",
        ],
    ),
    "schema not a map": (
        """
module_id: m
entrypoint: m.py
param_schema: [a]
""",
        [
            "modules/m/module.yaml:3:1: `param_schema` must be a map, not a list",
        ],
    ),
    "schema endless": (
        """
module_id: m
entrypoint: m.py
param_schema:
  allOf: [{$ref: '#'}]
""",
        [
            "modules/m/module.yaml:3:1: this refers to itself without end [let one `$ref` lead elsewhere]",
        ],
    ),
    "schema elsewhere": (
        """
module_id: m
entrypoint: m.py
param_schema:
  properties:
    a: {$ref: 'http://127.0.0.1:1/x'}
    b: {$ref: '#/$defs/nope'}
  default: {}
""",
        [
            "modules/m/module.yaml:3:1: this cannot be followed: `Unresolvable: http://127.0.0.1:1/x` [refer only to `#/$defs/...`]",
        ],
    ),
    "defaults": (
        """
module_id: m
entrypoint: m.py
default_params: {limit: 0, limt: 3}
param_schema:
  properties:
    limit: {type: integer, minimum: 1}
    size: {type: integer, default: big}
""",
        [
            "r.yaml:1:41: module `m` has no parameter `a` [known: `limit`, `limt`, `size`]",
            "modules/m/module.yaml:3:18: `limit` must be at least 1, not the number 0",
            "modules/m/module.yaml:7:27: `size` must be a whole number, not the text `big`",
        ],
    ),
    "not python": (
        """
module_id: m
entrypoint: main.js
""",
        [
            "modules/m/module.yaml:2:1: `main.js` is a file, but not one of Python [give a `command` for a program in another language]",
        ],
    ),
}


@pytest.mark.parametrize("name", MODULES)
def test_a_bad_module_gives_one_page_of_problems(name: str) -> None:
    module, problems = MODULES[name]
    write("modules/m/module.yaml", module.removeprefix("\n"))
    write("modules/m/m.py")
    write("modules/m/main.js")
    assert page("stages: [{stage: s, module: m, params: {a: 1}}]\n") == problems
