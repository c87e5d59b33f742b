"""Where a warehouse is."""

from pathlib import Path

import pytest

from taximeter.errors import SetupError
from taximeter.query.warehouse.address import Embedded, Server, parse_address


def test_all_parts_of_an_address() -> None:
    found = parse_address("clickhouse://ada:p%40ss%2F1@host.example:9123/costs", {})
    assert found == Server("host.example", 9123, "costs", "ada", "p@ss/1", secure=False)
    assert str(found) == repr(found) == "clickhouse://host.example:9123/costs"


def test_what_is_left_out() -> None:
    assert parse_address("clickhouse://host", {}) == Server("host", 8123, "taximeter", "default", "", secure=False)
    assert parse_address("clickhouses://host/x", {}) == Server("host", 8443, "x", "default", "", secure=True)
    assert parse_address("clickhouse://host:443", {}) == Server("host", 443, "taximeter", "default", "", secure=True)
    assert str(parse_address("clickhouse://[::1]:1/x", {})) == "clickhouse://[::1]:1/x"


def test_the_password_may_stand_in_a_variable() -> None:
    env = {"CLICKHOUSE_PASSWORD": "from the environment"}
    found = parse_address("clickhouse://ada@host", env)
    assert isinstance(found, Server)
    assert found.password == "from the environment"


def test_a_folder() -> None:
    assert parse_address("chdb://wh") == Embedded(Path("wh"))
    assert str(parse_address("chdb:///srv/wh")) == "chdb:///srv/wh"


@pytest.mark.parametrize("text", ["", "host", "postgres://u:hidden@h/d", "chdb://", "http://h"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(SetupError, match="this is not the address of a warehouse") as caught:
        parse_address(text)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize("text", ["clickhouse://u:hidden@h:x/d", "clickhouse://u:hid/den@h/d", "clickhouse://u:a[b@h"])
def test_an_address_that_cannot_be_read(text: str) -> None:
    with pytest.raises(SetupError, match="the address of the warehouse cannot be read") as caught:
        parse_address(text)
    assert "hid" not in str(caught.value)


def test_an_address_without_a_host() -> None:
    with pytest.raises(SetupError, match="the address of the warehouse names no host"):
        parse_address("clickhouse:///costs")
