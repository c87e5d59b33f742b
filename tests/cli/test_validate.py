"""`taximeter validate` finds what is wrong with any file of ours."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from taximeter.cli.failure import page
from taximeter.cli.validate import command
from taximeter.errors import SetupError

CALL = {"schema_version": "instrumentation_call_v1", "model": "m", "prompt_tokens": 3}


def validate(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(command, arguments)
    if isinstance(result.exception, SetupError):
        return 2, page(result.exception)
    return result.exit_code, result.output


def write(path: Path, *records: object) -> str:
    path.write_text("".join(r if isinstance(r, str) else json.dumps(r) + "\n" for r in records))
    return str(path)


def test_lines_that_fit(tmp_path: Path) -> None:
    items = {"schema_version": "instrumentation_items_v1", "items": 5}
    path = write(tmp_path / "calls.1.jsonl", CALL, "\n", items)
    assert validate(path) == (0, f"{path}: 2 records, all fit\n")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"prompt_tokens": -1}, "prompt_tokens: Input should be greater than or equal to 0"),
        ({"prompt_tokens": True}, "prompt_tokens: Input should be a valid integer"),
        ({"prompt_tokens": 2.5}, "prompt_tokens: Input should be a valid integer"),
        ({"prompt_tokens": 2**63}, "prompt_tokens: Input should be less than or equal to 9223372036854775807"),
        ({"cost": "0.5"}, "cost: Value error, money is a plain number"),
        ({"cost": -1}, "cost: Input should be greater than or equal to 0"),
        ({"kind": "video"}, "kind: Input should be 'llm' or 'embedding'"),
        ({"model": ""}, "model: String should have at least 1 character"),
        ({"cached": 1}, "cached: Input should be a valid boolean"),
    ],
)
def test_a_figure_that_cannot_be_true_is_told_with_its_line(
    tmp_path: Path, change: dict[str, object], told: str
) -> None:
    path = write(tmp_path / "calls.jsonl", CALL, CALL | change)
    code, output = validate("--schema", "instrumentation_call_v1", path)
    assert code == 2
    assert output.startswith(f"{path}:2: {told}")


def test_what_is_not_json_and_what_is_not_known_is_told(tmp_path: Path) -> None:
    path = write(tmp_path / "x.jsonl", CALL, "{torn\n", {"schema_version": "other_v9"}, "5\n")
    code, output = validate(path)
    assert code == 2
    assert f"{path}:2: this is not JSON: " in output
    assert f"{path}:3: its schema_version is other_v9" in output
    assert f"{path}:4: its schema_version is missing" in output
    assert output.endswith("3 problems")


@pytest.mark.parametrize(("garbage", "told"), [(b'{"a": "\xff"}', "utf-8"), (b'{"a":' * 50_000, "recursion depth")])
@pytest.mark.parametrize("name", ["x.json", "x.jsonl"])
def test_what_cannot_be_decoded_is_told_with_its_line(tmp_path: Path, name: str, garbage: bytes, told: str) -> None:
    path = tmp_path / name
    path.write_bytes(json.dumps(CALL).encode() + b"\n" + garbage + b"\n")
    code, output = validate(str(path))
    assert code == 2
    assert output.startswith(f"{path}:2: this is not JSON: ")
    assert told in output
    assert validate("--schema", "instrumentation_call_v1", str(path))[1].startswith(f"{path}:2: ")


def test_an_authored_file_needs_the_name_of_its_schema(tmp_path: Path) -> None:
    path = write(tmp_path / "recipe.yaml", "name: x\nstages:\n  - {stage: a, run: x}\n")
    hint = "name what it is with --schema: recipe, module, run_config, price_sheet"
    assert validate(path) == (2, f"{path}: a YAML file does not say what it is\n    {hint}")


def test_every_schema_is_offered_for_a_record_that_names_none(tmp_path: Path) -> None:
    _, output = validate(write(tmp_path / "x.json", "{}"))
    assert "instrumentation_run_v1, recipe, module, run_config, price_sheet" in output


def test_an_empty_file_fits_nothing(tmp_path: Path) -> None:
    code, output = validate(write(tmp_path / "x.json"))
    assert code == 2
    assert "there is no record in this file" in output


def test_one_value_over_many_lines_is_one_record(tmp_path: Path) -> None:
    path = write(tmp_path / "call.json", json.dumps(CALL, indent=2))
    assert validate(path)[0] == 0


def test_authored_files_are_checked_with_their_places(tmp_path: Path) -> None:
    path = write(tmp_path / "prices.yaml", "models:\n  m: {prompt_per_1k: -1}\n")
    code, output = validate("--schema", "price_sheet", path)
    assert code == 2
    assert output.startswith(f"{path}:2:")
    assert "models.m.prompt_per_1k" in output


def test_programs_get_the_problems_as_json(tmp_path: Path) -> None:
    file = tmp_path / "calls.jsonl"
    file.write_text('{"schema_version": "instrumentation_call_v1", "model": ""}\n')
    done = CliRunner().invoke(command, [str(file), "--json"])
    found = json.loads(done.stdout)
    assert (done.exit_code, found["schema_version"], found["valid"], found["records"]) == (2, "validate_v1", False, 1)
    assert found["problems"][0]["key"] == "model"
