"""The tables of a warehouse."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from taximeter.errors import SetupError
from taximeter.query.warehouse.address import parse_address
from taximeter.query.warehouse.connect import open_warehouse
from taximeter.query.warehouse.migrate import Migration, check, migrate, migrations
from taximeter.query.warehouse.tables import SHIPPED

COLUMNS = """
SELECT name, type, default_kind FROM system.columns WHERE database = currentDatabase() AND table = {table:String}
ORDER BY position
"""
TYPES = {
    "string": "String",
    "int64": "Int64",
    "uint64": "UInt64",
    "double": "Float64",
    "bool": "Bool",
    "date32[day]": "Date",
    "timestamp[us, tz=UTC]": "DateTime64(6, 'UTC')",
    "decimal128(38, 12)": "Decimal(38, 12)",
    "map<string, string>": "Map(LowCardinality(String), String)",
}


def bare(kind: str) -> str:
    """A type without what says how it is stored."""
    for around in ("LowCardinality(", "Nullable("):
        if kind.startswith(around):
            kind = kind.removeprefix(around)[:-1]
    return kind


def test_they_have_the_columns_that_are_shipped(warehouse: str) -> None:
    with open_warehouse(parse_address(warehouse)) as opened:
        assert migrate(opened) == [step.number for step in migrations()]
        for table, schema in SHIPPED.items():
            rows = opened.query(COLUMNS, {"table": table}).result_rows
            found = [(name, bare(kind)) for name, kind, default in rows if default != "MATERIALIZED"]
            told = [(field.name, TYPES.get(str(field.type))) for field in schema]
            assert [name for name, _ in found] == [name for name, _ in told]
            assert [f for f in found if f[0] != "line_items"] == [t for t in told if t[0] != "line_items"]


def test_they_are_made_once(warehouse: str) -> None:
    with open_warehouse(parse_address(warehouse)) as opened:
        assert migrate(opened)
        assert migrate(opened) == []
        check(opened)
        assert opened.query("SELECT number, name FROM taximeter_migrations ORDER BY number").result_rows == [
            (step.number, step.name) for step in migrations()
        ]


def test_many_make_them_at_once(warehouse: str) -> None:
    def make(_: int) -> None:
        with open_warehouse(parse_address(warehouse)) as opened:
            migrate(opened)
            check(opened)

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(make, range(12)))


def test_every_statement_can_be_carried_out_again(warehouse: str) -> None:
    with open_warehouse(parse_address(warehouse)) as opened:
        migrate(opened)
        for step in migrations():
            for statement in step.statements():
                opened.execute(statement)


def test_numbers_are_in_order_without_a_gap() -> None:
    assert [step.number for step in migrations()] == list(range(1, len(migrations()) + 1))


def test_statements_end_at_semicolons_at_the_end_of_a_line() -> None:
    assert Migration(1, "x", "SELECT ';a';\n\n-- b\nSELECT 2;\n").statements() == ["SELECT ';a'", "-- b\nSELECT 2"]


def test_tables_of_an_older_program_are_brought_up_to_date_by_shipping(warehouse: str) -> None:
    with open_warehouse(parse_address(warehouse)) as opened:
        migrate(opened)
        last = migrations()[-1].number
        opened.execute(f"ALTER TABLE taximeter_migrations DELETE WHERE number = {last} SETTINGS mutations_sync = 2")
        with pytest.raises(SetupError, match=f"its tables are of an older taximeter: migration {last} is missing"):
            check(opened)
        assert migrate(opened) == [last]


def test_tables_of_a_newer_program_are_left_alone(warehouse: str) -> None:
    with open_warehouse(parse_address(warehouse)) as opened:
        migrate(opened)
        opened.execute("INSERT INTO taximeter_migrations (number, name) VALUES (900, 'x')")
        for refused in (check, migrate):
            with pytest.raises(SetupError, match="its tables are of a newer taximeter: migration 900 is unknown here"):
                refused(opened)
