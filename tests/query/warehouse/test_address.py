"""Where a warehouse is."""

import re
from pathlib import Path
from urllib.parse import quote

import pytest

from taximeter.errors import SetupError
from taximeter.query.warehouse.address import Embedded, Server, identifier, parse_address


def test_all_parts_of_an_address() -> None:
    found = parse_address("clickhouse://ada:p%40ss%2F1@host.example:9123/costs", {})
    assert found == Server("host.example", 9123, "costs", "ada", "p@ss/1", secure=False)
    assert str(found) == repr(found) == "clickhouse://host.example:9123/costs"


def test_what_is_left_out() -> None:
    assert parse_address("clickhouse://host", {}) == Server("host", 8123, "taximeter", "default", "", secure=False)
    assert parse_address("clickhouses://host/x", {}) == Server("host", 8443, "x", "default", "", secure=True)
    assert parse_address("clickhouse://host:443", {}) == Server("host", 443, "taximeter", "default", "", secure=True)
    assert str(parse_address("clickhouse://[::1]:1/x", {})) == "clickhouse://[::1]:1/x"


@pytest.mark.parametrize(
    ("text", "port", "secure"),
    [
        ("clickhouse://h?secure=true", 8443, True),
        ("clickhouse://h/d?secure=1", 8443, True),
        ("clickhouse://h:8123/d?secure=True", 8123, True),
        ("clickhouse://h/d?secure=false", 8123, False),
        ("clickhouse://h:8443/d", 8443, True),
        ("clickhouse://h:8443/d?secure=0", 8443, False),
        ("clickhouses://h:8123/d", 8123, True),
        ("clickhouses://h/d?secure=false", 8443, True),
        ("clickhouses://h:443/d", 443, True),
    ],
)
def test_who_asks_for_tls_gets_it(text: str, port: int, secure: bool) -> None:
    found = parse_address(text, {})
    assert isinstance(found, Server)
    assert (found.port, found.secure) == (port, secure)


@pytest.mark.parametrize("query", ["compress=1", "secure=maybe", "secure=", "secure=true&verify=false", "secure"])
def test_what_else_an_address_asks_for_is_refused_and_not_passed_over(query: str) -> None:
    with pytest.raises(
        SetupError, match=re.escape("behind ? the address of a warehouse may only say secure=true or secure=false")
    ):
        parse_address(f"clickhouse://u:hidden@h/d?{query}", {})


@pytest.mark.parametrize("sign", [*"@:/?#[]%+&= ", "%40", "é", "\n", "]@["])
def test_every_sign_of_a_user_and_a_password_can_be_written_by_its_number(sign: str) -> None:
    user, password = f"a{sign}b", f"{sign}x{sign}"
    found = parse_address(f"clickhouse://{quote(user, safe='')}:{quote(password, safe='')}@h/d", {})
    assert isinstance(found, Server)
    assert (found.user, found.password, found.host, found.database) == (user, password, "h", "d")


def test_the_password_may_stand_in_a_variable() -> None:
    env = {"CLICKHOUSE_PASSWORD": "from the environment"}
    for text in ("clickhouse://ada@host", "clickhouse://ada:@host"):
        found = parse_address(text, env)
        assert isinstance(found, Server)
        assert (found.user, found.password) == ("ada", "from the environment")
    found = parse_address("clickhouse://ada:own@host", env)
    assert isinstance(found, Server)
    assert found.password == "own"


def test_a_folder() -> None:
    assert parse_address("chdb://wh") == Embedded(Path("wh"))
    assert str(parse_address("chdb:///srv/wh")) == "chdb:///srv/wh"
    found = parse_address("chdb://wh?database=taximeter_search")
    assert found == Embedded(Path("wh"), "taximeter_search")
    assert str(found) == "chdb://wh?database=taximeter_search"


@pytest.mark.parametrize("text", ["", "host", "postgres://u:hidden@h/d", "chdb://", "http://h"])
def test_what_is_no_address(text: str) -> None:
    with pytest.raises(SetupError, match="this is not the address of a warehouse") as caught:
        parse_address(text)
    assert "hidden" not in str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "clickhouse://u:hidden@h:x/d",
        "clickhouse://u:hid/den@h/d",
        "clickhouse://u:a[b@h",
        "clickhouse://u:7/hid@h/d",  # without a second look these would be the host u and port 7
        "clickhouse://u:7?hid@h/d",
        "clickhouse://u:7#hid@h/d",
        "clickhouse://u:pass@h/d#hid",
        "clickhouse://u:pass@h:99999/d",
    ],
)
def test_an_address_that_cannot_be_read(text: str) -> None:
    with pytest.raises(SetupError, match="the address of the warehouse cannot be read") as caught:
        parse_address(text)
    assert "hid" not in str(caught.value)


def test_an_address_without_a_host() -> None:
    with pytest.raises(SetupError, match="the address of the warehouse names no host"):
        parse_address("clickhouse:///costs")


def test_a_name_as_it_is_written_in_sql() -> None:
    names = ("costs", "costs_2", "my-team", "2costs", 'a"b\\')
    assert list(map(identifier, names)) == ["costs", "costs_2", '"my-team"', '"2costs"', r'''"a\"b\\"''']
