"""Turns pieces of text into vectors, a batch at a time."""

import argparse
import json
import time
from pathlib import Path

import openai

import taximeter


def embed(client: openai.OpenAI, model: str, provider: str, texts: list[str]) -> list[list[float]]:
    """The vectors of some texts, in their order; the call is metered."""
    started = time.perf_counter()
    answer = client.embeddings.create(model=model, input=texts)
    taximeter.log_embedding_usage(
        model,
        answer.usage and answer.usage.prompt_tokens,
        provider=provider,
        request_ms=(time.perf_counter() - started) * 1000,
        request_id=answer._request_id,
    )
    return [item.embedding for item in sorted(answer.data, key=lambda item: item.index)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pieces", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--provider", required=True)
    parser.add_argument("--base_url")
    parser.add_argument("--batch", type=int, required=True)
    args = parser.parse_args()

    client = openai.OpenAI(base_url=args.base_url)
    pieces = [json.loads(line) for line in args.pieces.read_text().splitlines()]
    with args.out.open("w") as out:
        for start in range(0, len(pieces), args.batch):
            batch = pieces[start : start + args.batch]
            vectors = embed(client, args.model, args.provider, [piece["text"] for piece in batch])
            for piece, vector in zip(batch, vectors, strict=True):
                rounded = [round(number, 6) for number in vector]
                out.write(json.dumps({"name": piece["name"], "piece": piece["piece"], "vector": rounded}) + "\n")


if __name__ == "__main__":
    main()
