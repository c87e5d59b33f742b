"""What holds for all tests."""

import os
import signal
from asyncio import _get_running_loop, _set_running_loop
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.browser import browser
from tests.warehouses import clickhouse, warehouse

__all__ = ["browser", "clickhouse", "warehouse"]

# A busy machine is slow, not wrong.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def pytest_configure(config: pytest.Config) -> None:
    # Hundreds of processes are started, each compiles all that it imports if no one may keep it: kept with what else is
    # remembered of a test run, where nothing is to be written beside the sources.
    if os.environ.pop("PYTHONDONTWRITEBYTECODE", None):
        os.environ["PYTHONPYCACHEPREFIX"] = str(config.rootpath / ".pytest_cache" / "bytecode")
    # A shell, or nohup, starts what runs in the background deaf to these, and with it all that it starts. Some of that
    # is told to end by them here, and has to hear it.
    for number in (signal.SIGHUP, signal.SIGINT, signal.SIGQUIT):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    # Who needs a browser waits for it, and draws without a graphics card.
    for item in items:
        if "browser" in getattr(item, "fixturenames", ()):
            item.add_marker("slow")


@pytest.fixture(autouse=True)
def no_loop_of_a_browser(request: pytest.FixtureRequest) -> Iterator[None]:
    """Playwright lives in a loop that this thread seems to run from the first page on: nobody else could run one."""
    if "browser" in request.fixturenames:
        yield
        return
    loop = _get_running_loop()
    _set_running_loop(None)
    yield
    _set_running_loop(loop)
