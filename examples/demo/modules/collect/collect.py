"""Reads the long descriptions of the Python packages installed in this environment."""

import argparse
import json
from importlib.metadata import Distribution, distributions
from pathlib import Path


def row(package: Distribution) -> dict[str, str]:
    metadata = package.metadata.json
    return {
        "name": package.name,
        "version": package.version,
        "description": str(metadata.get("description", "")).strip(),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--limit", type=int, required=True)
    parser.add_argument("--min_chars", type=int, required=True)
    args = parser.parse_args()

    # The same package can be found in two places of the path; the first one is the one Python would import.
    rows: dict[str, dict[str, str]] = {}
    for package in distributions():
        rows.setdefault(package.name.lower(), row(package))
    described = [rows[name] for name in sorted(rows) if len(rows[name]["description"]) >= args.min_chars]
    args.out.write_text("".join(json.dumps(package) + "\n" for package in described[: args.limit]))


if __name__ == "__main__":
    main()
