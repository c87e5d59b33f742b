"""The layout for a cluster, as far as it can be checked without one."""

import re
from pathlib import Path

import pytest

from docs.warehouse.make import HEAD, cluster
from taximeter.query.warehouse.address import parse_address
from taximeter.query.warehouse.connect import Warehouse, open_warehouse
from taximeter.query.warehouse.migrate import Migration, migrate
from taximeter.query.warehouse.tables import SHIPPED

DOCS = Path(__file__).parents[3] / "docs"
BLOCK = re.compile(r"<!-- file: (\w+\.sql) -->\n```sql\n(.*?)```", re.DOTALL)
COLUMNS = """
SELECT name, type, default_kind, default_expression, compression_codec FROM system.columns
WHERE database = currentDatabase() AND table = {table:String} ORDER BY position
"""


def statements(sql: str) -> list[str]:
    return Migration(0, "", sql).statements()


def test_the_file_is_made_from_the_migrations() -> None:
    assert (DOCS / "warehouse/cluster.sql").read_text() == cluster()


def test_the_engine_reads_every_statement(warehouse: str) -> None:
    with open_warehouse(parse_address(warehouse)) as opened:
        read = [read_by(opened, sql) for sql in statements(cluster())]
    assert len(read) == 2 + 2 * len(SHIPPED) + 5 + 1
    assert sum("ReplicatedReplacingMergeTree" in tree for tree in read) == 1 + len(SHIPPED)
    assert sum("Distributed" in tree for tree in read) == len(SHIPPED)
    assert sum("TTLElement" in tree for tree in read) == len(SHIPPED)


def test_the_engine_reads_what_the_page_shows(warehouse: str) -> None:
    blocks = dict(BLOCK.findall((DOCS / "scaling.md").read_text()))
    assert blocks.keys() == {"runs.sql", "refreshed.sql"}
    assert blocks["runs.sql"].strip() in cluster()
    with open_warehouse(parse_address(warehouse)) as opened:
        for sql in blocks.values():
            for statement in statements(sql):
                assert read_by(opened, statement)


def read_by(opened: Warehouse, sql: str) -> str:
    """What the engine understands of a statement; it is not carried out."""
    return str(opened._client.command(f"EXPLAIN AST {sql}"))


@pytest.mark.slow
def test_its_tables_have_the_columns_and_keys_of_a_single_server(warehouse: str) -> None:
    """With the engines and volumes of a single server in place of those of a cluster it can be carried out."""
    with open_warehouse(parse_address(warehouse)) as opened:
        migrate(opened)
        for sql in statements(cluster().removeprefix(HEAD)):
            if "_local ON CLUSTER" not in sql:
                continue
            plain = re.sub(r"taximeter\.(\w+) ON CLUSTER fleet", r"\1", sql)
            plain = re.sub(r"ReplicatedReplacingMergeTree\(.*\)", "ReplacingMergeTree(seq)", plain)
            plain = re.sub(r"day \+ INTERVAL \d+ DAY TO VOLUME 'cold',? ?", "", plain).replace("TTL \n", "")
            opened.execute(plain.replace("storage_policy = 'tiered', ", ""))
        for table in SHIPPED:
            ours, theirs = (opened.query(COLUMNS, {"table": name}).result_rows for name in (table, f"{table}_local"))
            assert ours == theirs
            keys = "SELECT sorting_key, partition_key FROM system.tables WHERE database = currentDatabase() AND name = "
            assert opened.query(f"{keys}'{table}'").result_rows == opened.query(f"{keys}'{table}_local'").result_rows
