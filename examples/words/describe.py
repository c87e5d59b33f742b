"""Describes each word of a file of rows, and says what the pretended model was paid for it."""

import json
import sys
from pathlib import Path

import taximeter


def describe(word: str, count: int) -> str:
    """What a model might answer; the call is metered as if one had."""
    answer = f"{word}: {len(word)} letters, said {count} times"
    taximeter.log_llm_usage("pretend-1", 20 + len(word), len(answer.split()), provider="nobody", request_ms=1.5)
    return answer


def main() -> None:
    source, target = map(Path, sys.argv[1:])
    with source.open() as rows, target.open("w") as out:
        for row in map(json.loads, rows):
            out.write(json.dumps({**row, "answer": describe(row["word"], row["count"])}) + "\n")


if __name__ == "__main__":
    main()
