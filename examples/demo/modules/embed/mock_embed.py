"""Stands in for the embedding model: texts that share words get vectors that are close."""

import argparse
import json
import math
import re
import zlib
from pathlib import Path

import taximeter

MODEL = "mock-embedding"
DIMENSIONS = 64


def embed(text: str) -> list[float]:
    """Each word counts in one place of the vector; the call is metered, some four characters a token."""
    counts = [0] * DIMENSIONS
    for word in re.findall(r"\w{4,}", text.lower()):
        counts[zlib.crc32(word.encode()) % DIMENSIONS] += 1
    length = math.hypot(*counts) or 1.0
    tokens = len(text) // 4 + 1
    taximeter.log_embedding_usage(MODEL, tokens, provider="mock")
    return [round(count / length, 6) for count in counts]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args, _ = parser.parse_known_args()  # the parameters of the real module mean nothing here

    with args.pieces.open() as pieces, args.out.open("w") as out:
        for piece in map(json.loads, pieces):
            row = {"name": piece["name"], "piece": piece["piece"], "vector": embed(piece["text"])}
            out.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    main()
