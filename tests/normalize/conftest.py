"""Leaves out what only `nox -s sdks` has the packages for."""

import os
from importlib.util import find_spec

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # else it fetches one when it is imported

collect_ignore = [] if all(map(find_spec, ("litellm", "mistralai", "cohere"))) else ["test_further_sdks.py"]
