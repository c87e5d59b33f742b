"""Asks a language model what each package is for: a summary in one line, and a category."""

import argparse
import json
import re
import time
from pathlib import Path
from typing import Any

import openai

import taximeter

FALLBACK = "other"

# A tiny model picks a sensible category only when it has seen one of each.
EXAMPLES = {
    "web": "requests: A simple HTTP library for sending requests.",
    "command line": "typer: Builds command line programs with completion.",
    "testing": "coverage: Measures which code the tests execute.",
    "packaging": "build: Builds wheels and source distributions.",
    "data": "tomli: Parses TOML files into dicts.",
    "typing": "beartype: Checks type hints at runtime.",
    "async": "trio: Runs asynchronous tasks concurrently.",
    "models": "torch: Tensors and neural networks.",
}

ANSWER = {
    "type": "json_schema",
    "json_schema": {
        "name": "package",
        "schema": {
            "type": "object",
            "properties": {"category": {"enum": [*EXAMPLES, FALLBACK]}},
            "required": ["category"],
            "additionalProperties": False,
        },
    },
}

Message = dict[str, str]


def summary_prompt(text: str) -> list[Message]:
    return [user(f"A Python package: {text}\n\nWrite one short sentence that says what it does.")]


def category_prompt(name: str, text: str) -> list[Message]:
    messages = [{"role": "system", "content": "Name the category of a Python package."}]
    for category, package in EXAMPLES.items():
        messages += [user(package), {"role": "assistant", "content": json.dumps({"category": category})}]
    return [*messages, user(f"{name}: {text}")]


def user(content: str) -> Message:
    return {"role": "user", "content": content}


def lead(text: str, max_chars: int) -> str:
    """The first sentences, as many as fit."""
    start = text[:max_chars].replace("\n\n", " ")
    whole = re.match(r".*[.!?](?=\s|$)", start)
    return whole[0] if whole else start


def one_line(answer: str) -> str:
    """The first sentence of an answer; the dots say that it was cut off."""
    line = answer.strip().partition("\n")[0].removeprefix("A Python package: ")
    sentence = re.match(r".+?[.!?](?=\s|$)", line)
    return sentence[0] if sentence else f"{line}…"


def known_category(answer: str) -> str:
    """The category in an answer, or the fallback when it holds none of ours."""
    try:
        category = json.loads(answer)["category"]
    except (ValueError, TypeError, KeyError):
        return FALLBACK
    return next((known for known in EXAMPLES if known == category), FALLBACK)


class Model:
    """A model behind the API; each call is metered."""

    def __init__(self, name: str, provider: str, base_url: str | None, temperature: float | None) -> None:
        self.client = openai.OpenAI(base_url=base_url)
        self.name = name
        self.provider = provider
        self.temperature = openai.omit if temperature is None else temperature

    def ask(self, messages: list[Message], **options: Any) -> str:
        started = time.perf_counter()
        answer = self.client.chat.completions.create(
            model=self.name, messages=messages, temperature=self.temperature, **options
        )
        usage = answer.usage
        taximeter.log_llm_usage(
            self.name,
            usage and usage.prompt_tokens,
            usage and usage.completion_tokens,
            provider=self.provider,
            request_ms=(time.perf_counter() - started) * 1000,
            request_id=answer.id,
            cache_read_input_tokens=getattr(usage and usage.prompt_tokens_details, "cached_tokens", None),
            reasoning_output_tokens=getattr(usage and usage.completion_tokens_details, "reasoning_tokens", None),
        )
        return answer.choices[0].message.content or ""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--model", required=True)
    parser.add_argument("--provider", required=True)
    parser.add_argument("--base_url")
    parser.add_argument("--lead_chars", type=int, required=True)
    parser.add_argument("--max_tokens", type=int, required=True)
    parser.add_argument("--temperature", type=float)
    args = parser.parse_args()

    model = Model(args.model, args.provider, args.base_url, args.temperature)
    packages = [json.loads(line) for line in args.documents.read_text().splitlines()]
    for package in packages:
        package["text"] = lead(package["text"], args.lead_chars)
    for package in packages:
        answer = model.ask(summary_prompt(package["text"]), max_completion_tokens=args.max_tokens)
        package["summary"] = one_line(answer)
    for package in packages:
        messages = category_prompt(package["name"], package.pop("text"))
        package["category"] = known_category(model.ask(messages, max_completion_tokens=20, response_format=ANSWER))
    args.out.write_text("".join(json.dumps({**package, "model": args.model}) + "\n" for package in packages))


if __name__ == "__main__":
    main()
