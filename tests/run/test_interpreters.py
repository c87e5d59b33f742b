"""Which interpreters are said not to be captured."""

import subprocess
import sys
from pathlib import Path

from taximeter.run import proctree
from taximeter.run.interpreters import Interpreters


def test_a_shell_that_becomes_python_while_it_is_looked_at_is_not_taken_for_one_without_a_mark(tmp_path: Path) -> None:
    """Its stack was read as the shell's and its program is Python's: no mark could ever have that stack."""
    script = f'read line; exec {sys.executable} -c "print(flush=True); input()"'
    with subprocess.Popen(["sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None and process.stdout is not None
        (shell,) = proctree.walk([process.pid])
        process.stdin.write(b"go\n")
        process.stdin.flush()
        process.stdout.readline()  # now it is Python
        looker = Interpreters(bytes(tmp_path / "marks"), bytes(tmp_path / "sink"))
        looker.look([shell])
        assert looker.uncaptured() == {}
        looker.look(proctree.walk([process.pid]))
        assert list((looker.uncaptured() or {}).values()) == [1]
        process.stdin.write(b"\n")
