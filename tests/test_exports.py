"""The public names of the package."""

import subprocess
import sys

import pytest

import taximeter


def test_all_public_names_are_listed_in_order_and_can_be_had() -> None:
    assert sorted(taximeter.__all__) == taximeter.__all__
    for name in taximeter.__all__:
        assert getattr(taximeter, name) is not None


def test_an_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = taximeter.nothing


def test_importing_the_package_loads_nothing_of_it() -> None:
    program = "import sys, taximeter; print(*[m for m in sys.modules if m.startswith(('taximeter.', 'msgspec'))])"
    loaded = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == ""
