"""Strips Markdown, reStructuredText and HTML down to readable paragraphs."""

import argparse
import html
import json
import re
from pathlib import Path

# In this order: whole blocks first, then what stands in a line.
RULES = [
    (r"(?s)<!--.*?-->", ""),
    (r"(?ms)^([ >]*)(```|~~~).*?^\1\2[^\n]*$", ""),  # fenced code
    (r"(?m)^\.\. [^\n]*\n(?:[ \t]+[^\n]*\n|[ \t]*\n)*", "\n"),  # a directive, target or comment with its body
    (r"(?m)::[ \t]*$", ":"),  # what announces a literal block; the block itself is indented and goes next
    (r"(?<=\n\n)(?:(?: {4}|\t)[^\n]*\n)+", ""),  # indented code
    (r"(?m)^[ \t]*(?:[|+]|>>>)[^\n]*$", ""),  # tables with lines, and sessions of the interpreter
    (r"(?m)^[ \t]*={2,}(?:[ \t]+={2,})+[ \t]*$", ""),  # tables without lines
    (r"(?m)^[ \t]*([=\-~^\"'#*+`_.:])\1{2,}[ \t]*$", ""),  # underlines and rules
    (r"!\[[^\]]*\](?:\([^)]*\)|\[[^\]]*\])", ""),  # images, and so badges
    (r"\[([^\]]*)\](?:\([^)]*\)|\[[^\]]*\])", r"\1"),  # links keep their text
    (r"(?m)^\[[^\]]+\]:[^\n]*$", ""),  # targets of links
    (r"\[![A-Z]+\]", ""),  # kinds of notes
    (r"</?[a-zA-Z][^>]*>", " "),
    (r"(?::[a-z:]+:)?(`{1,2})~?([^`<]+?)(?:\s*<[^>]*>)?\1(?:_{1,2}(?!\w))?", r"\2"),  # code, roles, links
    (r"\b([A-Za-z][\w-]*[A-Za-z0-9])_{1,2}(?=[\s.,;:)])", r"\1"),  # references
    (r"\|[^|\n]+\|_{0,2}", ""),  # substitutions
    (r"<?https?://[^\s>]+>?", ""),
    (r"(?m)^[ \t]*(?:#+|>|[*+•-]|\d+\.)[ \t]+", ""),  # marks of headings, quotes and lists
    (r"(\*{1,3})(\S(?:[^*\n]*?\S)?)\1", r"\2"),  # emphasis
    (r"(?<!\w)_([^_\n]+)_(?!\w)", r"\1"),  # emphasis too; two underscores may well be a dunder name
]
COMPILED = [(re.compile(pattern), replacement) for pattern, replacement in RULES]


def readable(text: str) -> str:
    """The paragraphs of a text as plain sentences, with a blank line between them."""
    text = text.replace("\r\n", "\n") + "\n"
    for pattern, replacement in COMPILED:
        text = pattern.sub(replacement, text)
    return "\n\n".join(filter(is_prose, map(tidy, re.split(r"\n\s*\n", text))))


def tidy(paragraph: str) -> str:
    """One line, without the gaps that removed links leave and the announcement of what was stripped."""
    line = html.unescape(" ".join(paragraph.split()))
    return re.sub(r"[^.!?]*:$", "", re.sub(r" +([.,;:)])", r"\1", line)).strip()


def is_prose(paragraph: str) -> bool:
    return re.search(r"[.!?](\s|$)", paragraph) is not None and len(re.findall(r"[^\W\d_]{2,}", paragraph)) >= 5


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--min_chars", type=int, required=True)
    parser.add_argument("--max_chars", type=int, required=True)
    args = parser.parse_args()

    with args.documents.open() as documents, args.out.open("w") as out:
        for document in map(json.loads, documents):
            text = readable(document.pop("description"))
            if len(text) >= args.min_chars:
                out.write(json.dumps({**document, "text": text[: args.max_chars]}) + "\n")


if __name__ == "__main__":
    main()
