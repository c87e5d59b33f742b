"""Run by every Python at its start that finds this folder on PYTHONPATH, before anything of the program.

It has the calls of the SDKs captured where it can, and leaves a program alone where it cannot: any Python may come
here, an old one or one without taximeter, so what stands here is understood by all of them and needs none of ours.
It stands in the place of a `sitecustomize` that would have been found without it, and hands over to that one.
"""
# ruff: noqa: PTH100, PTH112, PTH118, PTH120 - pathlib would be loaded into every program

import os
import sys

_HERE = os.path.dirname(os.path.abspath(__file__))
_OLDEST = (3, 11)


def _hand_over():  # type: () -> None
    """Runs the `sitecustomize` that comes next; what it raises is told as it is without us."""
    mine = sys.modules.pop(__name__)
    sys.path[:] = [folder for folder in sys.path if os.path.abspath(folder) != _HERE]
    try:
        __import__("sitecustomize")
    except ImportError as error:
        if getattr(error, "name", "sitecustomize") != "sitecustomize":
            raise
    finally:
        sys.modules.setdefault(__name__, mine)


def _capture():  # type: () -> None
    """Has the SDKs hooked when the program imports them, if this Python has a taximeter that can."""
    if os.environ.get("TAXIMETER_CAPTURE") != "startup" or sys.version_info < _OLDEST:
        return
    try:
        specs = [finder.find_spec("taximeter", None) for finder in sys.meta_path]
        folders = [folder for spec in specs if spec for folder in spec.submodule_search_locations or ()]
        if any(os.path.isdir(os.path.join(folder, "capture")) for folder in folders[:1]):
            from taximeter.capture.arrival import await_sdks

            await_sdks()
    except Exception:  # noqa: BLE001 - the program must start; that it is not captured is seen by its missing mark
        pass


try:
    _hand_over()
finally:
    _capture()
