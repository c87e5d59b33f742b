"""Leaves out what only `nox -s sdks` has the packages for."""

from importlib.util import find_spec

collect_ignore = [] if all(map(find_spec, ("litellm", "mistralai", "cohere"))) else ["test_further_sdks.py"]
