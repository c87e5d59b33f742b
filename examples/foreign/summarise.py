"""Requests, errors and the median duration of each path: summarise.py LINES SUMMARY"""

import json
import statistics
import sys
from pathlib import Path

durations = {}
errors = {}
with Path(sys.argv[1]).open() as lines:
    for line in lines:
        _, _, path, status, milliseconds = line.split()
        durations.setdefault(path, []).append(int(milliseconds))
        errors[path] = errors.get(path, 0) + (status >= "400")
with Path(sys.argv[2]).open("w") as summary:
    for path, found in sorted(durations.items()):
        row = {"path": path, "requests": len(found), "errors": errors[path], "median_ms": statistics.median(found)}
        summary.write(json.dumps(row) + "\n")
