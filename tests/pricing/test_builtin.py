"""The built-in sheet, and the cache of what it is compiled to."""

import subprocess
import sys
from pathlib import Path

import pytest

READ = "from taximeter.pricing.builtin import built_in; s = built_in(); print(s.sheet_id, hash(str(s.entries)))"


@pytest.mark.slow
def test_processes_that_compile_it_at_once_and_those_that_read_it_later_get_the_same(tmp_path: Path) -> None:
    env = {"XDG_CACHE_HOME": str(tmp_path), "PYTHONHASHSEED": "0"}

    def start() -> subprocess.Popen[bytes]:
        return subprocess.Popen([sys.executable, "-c", READ], env=env, stdout=subprocess.PIPE)

    first = [start() for _ in range(3)]
    told = {process.communicate()[0] for process in first}
    told.add(start().communicate()[0])
    assert len(told) == 1
    assert len(told.pop().split()) == 2
    assert not [path for path in (tmp_path / "taximeter").iterdir() if path.suffix == ".tmp"]


@pytest.mark.slow
def test_where_nothing_can_be_kept_it_is_compiled_each_time(tmp_path: Path) -> None:
    (tmp_path / "taximeter").write_text("a file where the folder should be")
    env = {"XDG_CACHE_HOME": str(tmp_path)}
    assert subprocess.run([sys.executable, "-c", READ], env=env, check=True, capture_output=True).stdout
