"""The pydantic classes of records hold what the records hold."""

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest
from pydantic import BaseModel, ValidationError

from taximeter.numbers import to_json
from taximeter.report import html, json, records, schemas
from taximeter.report.build import build
from tests.report.synthetic import a_big_run


def test_they_are_classes_of_pydantic_by_the_names_that_records_carry() -> None:
    assert all(issubclass(model, BaseModel) for model in schemas.SCHEMA_MAP.values())
    assert schemas.SCHEMA_MAP["instrumentation_run_v1"] is schemas.RunInstrumentation


def test_what_is_rendered_is_read_by_both_and_means_the_same(tmp_path: Path) -> None:
    text = json.render(build(a_big_run(tmp_path, 40)))
    record, model = json.parse(text), schemas.RunInstrumentation.model_validate_json(text)
    assert json.parse(json.render(record)) == record
    assert to_json(model.model_dump()) == to_json(record)


FITS = {"run_id": "a", "status": "done", "metered": True}


@pytest.mark.parametrize(
    "change",
    [
        {"status": "gone"},
        {"stages": [{"id": "a", "status": "done", "items_in": -1}]},
        {"stages": [{"id": "a", "status": "done", "attempts": [{"attempt": 0, "status": "done"}]}]},
        {"totals": {"calls": 1.5}},
        {"wall_seconds": -1},
        {"metered": "yes"},
        {"more": 1},
        {"run_id": None},
    ],
)
def test_both_refuse_the_same(change: dict[str, object]) -> None:
    assert msgspec.convert(FITS, records.RunInstrumentation).run_id == "a"
    assert schemas.RunInstrumentation.model_validate(FITS)
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert(FITS | change, records.RunInstrumentation)
    with pytest.raises(ValidationError):
        schemas.RunInstrumentation.model_validate(FITS | change)


@pytest.mark.parametrize("cost", [-1, "1.5", True, 0.1234567890123])
def test_money_is_a_number_with_twelve_decimals(cost: object) -> None:
    with pytest.raises(ValidationError):
        schemas.LLMCallUsage.model_validate({"model": "m", "cost": cost})


def test_a_report_is_built_without_pydantic(tmp_path: Path) -> None:
    run = a_big_run(tmp_path, 20)
    code = "import sys; from pathlib import Path; from taximeter.rundir import RunDir; "
    code += (
        "from taximeter.report import build, html, json, markdown; report = build.build(RunDir(Path(sys.argv[1]))); "
    )
    code += "json.render(report), markdown.render(report), html.render(report); print('pydantic' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", code, str(run.path)], text=True) == "False\n"


def test_the_parts_of_a_report_are_the_whole(tmp_path: Path) -> None:
    report = build(a_big_run(tmp_path, 30))
    still = msgspec.structs.replace(report.stages[0], llm_calls=[], llm_totals=records.Totals())
    for made in (
        report,
        msgspec.structs.replace(report, stages=[still, *report.stages]),
        records.RunInstrumentation(**FITS),
    ):
        assert json.render(made) == msgspec.json.format(to_json(made), indent=2).decode() + "\n"
        page = html.render(made)
        data = page.partition('id="data">')[2].partition("</script>")[0]
        assert data.encode() == to_json(html.page_data(made)).replace(b"<", b"\\u003c")
