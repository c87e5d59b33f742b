"""Stands in for the language model: the first sentence is the summary, a word in it decides the category."""

import argparse
import json
import re
from pathlib import Path

import taximeter

MODEL = "mock-chat"

WORDS = {
    "http": "web",
    "command": "command line",
    "test": "testing",
    "distribution": "packaging",
    "json": "data",
    "typ": "typing",
    "async": "async",
    "llm": "models",
}


def ask(prompt: str, answer: str) -> str:
    """The answer that is expected, metered as if a model had given it: some four characters a token."""
    tokens = len(answer) // 4 + 1
    taximeter.log_llm_usage(MODEL, len(prompt) // 4 + 1, tokens, provider="mock")
    return answer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args, _ = parser.parse_known_args()  # the parameters of the real module mean nothing here

    with args.documents.open() as documents, args.out.open("w") as out:
        for package in map(json.loads, documents):
            text = package.pop("text")
            summary = ask(text[:260], re.split(r"(?<=[.!?])\s", text)[0])
            category = ask(summary, next((WORDS[word] for word in WORDS if word in text.lower()), "other"))
            out.write(json.dumps({**package, "summary": summary, "category": category, "model": MODEL}) + "\n")


if __name__ == "__main__":
    main()
