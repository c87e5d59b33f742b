"""Writes the tables of a cluster beside this file, made from the migrations of a single server."""

from __future__ import annotations

import re
from pathlib import Path

from taximeter.query.warehouse.migrate import migrations

HEAD = """\
-- The tables of taximeter on a cluster: what `taximeter ship` makes on a single server, split over the shards of
-- `fleet` by run and kept by each replica. Carry this out once, before anything is shipped; then ship to any node. The
-- cluster needs the macros {shard} and {replica}, and the storage policy `tiered` with the volumes `hot` and `cold`.

CREATE DATABASE IF NOT EXISTS taximeter ON CLUSTER fleet;

CREATE TABLE IF NOT EXISTS taximeter.taximeter_migrations ON CLUSTER fleet
(
    number UInt32,
    name String,
    applied_at DateTime64(6, 'UTC') DEFAULT now64(6)
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/all/taximeter/taximeter_migrations', '{shard}-{replica}')
ORDER BY number;
"""
TABLE = re.compile(
    r"CREATE TABLE IF NOT EXISTS (?P<name>\w+)\n(?P<columns>.*?)\nENGINE = ReplacingMergeTree\(seq\)\n(?P<keys>.*)",
    re.DOTALL,
)
VIEW = re.compile(r"CREATE VIEW IF NOT EXISTS (\w+) AS")
LOCAL = """\
CREATE TABLE IF NOT EXISTS taximeter.{name}_local ON CLUSTER fleet
{columns}
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{{shard}}/taximeter/{name}', '{{replica}}', seq)
{keys}
TTL {ttl}
SETTINGS storage_policy = 'tiered', ttl_only_drop_parts = 1;

CREATE TABLE IF NOT EXISTS taximeter.{name} ON CLUSTER fleet AS taximeter.{name}_local
ENGINE = Distributed(fleet, taximeter, {name}_local, cityHash64(run_id));
"""
DETAILS = "day + INTERVAL 30 DAY TO VOLUME 'cold', day + INTERVAL 400 DAY DELETE"
SUMMARIES = "day + INTERVAL 90 DAY TO VOLUME 'cold'"


def cluster() -> str:
    """All statements, in order."""
    parts = [HEAD]
    for statement in (statement for step in migrations() for statement in step.statements()):
        if table := TABLE.search(statement):
            ttl = DETAILS if table["name"] in {"calls", "spans"} else SUMMARIES
            parts.append(LOCAL.format(**table.groupdict(), ttl=ttl))
        else:
            view = statement[statement.index("CREATE VIEW") :]
            named = VIEW.sub(r"CREATE VIEW IF NOT EXISTS taximeter.\1 ON CLUSTER fleet AS", view)
            parts.append(re.sub(r"FROM (\w+)", r"FROM taximeter.\1", named) + ";\n")
    done = ", ".join(f"({step.number}, '{step.name}')" for step in migrations())
    parts.append(f"INSERT INTO taximeter.taximeter_migrations (number, name) VALUES {done};\n")
    return "\n".join(parts)


if __name__ == "__main__":
    Path(__file__).with_name("cluster.sql").write_text(cluster())
