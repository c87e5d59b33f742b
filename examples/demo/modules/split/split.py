"""Cuts texts into pieces of bounded size, between sentences where it can."""

import argparse
import json
import re
from collections.abc import Iterator
from itertools import islice
from pathlib import Path


def pieces(text: str, max_chars: int) -> Iterator[str]:
    """As many sentences of a paragraph as fit, again and again."""
    for paragraph in text.split("\n\n"):
        piece = ""
        for part in parts(paragraph, max_chars):
            if piece and len(piece) + 1 + len(part) > max_chars:
                yield piece
                piece = part
            else:
                piece = f"{piece} {part}".strip()
        if piece:
            yield piece


def parts(paragraph: str, max_chars: int) -> Iterator[str]:
    """Its sentences; one that is too long comes in several parts."""
    for sentence in re.split(r"(?<=[.!?])\s+", paragraph):
        for start in range(0, len(sentence), max_chars):
            yield sentence[start : start + max_chars].strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--max_chars", type=int, required=True)
    parser.add_argument("--max_pieces", type=int, required=True)
    args = parser.parse_args()

    with args.documents.open() as documents, args.out.open("w") as out:
        for document in map(json.loads, documents):
            kept = islice(pieces(document["text"], args.max_chars), args.max_pieces)
            for number, text in enumerate(kept):
                out.write(json.dumps({"name": document["name"], "piece": number, "text": text}) + "\n")


if __name__ == "__main__":
    main()
