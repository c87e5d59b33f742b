"""Builds a page that can be searched, with the packages that are similar beside each."""

import argparse
import html
import json
import math
from collections import Counter, defaultdict
from pathlib import Path
from string import Template
from typing import Any

import taximeter

PAGE = Template(Path(__file__).with_name("page.html").read_text())

CARD = Template("""
<article id="p$number" data-category="$category">
  <header><h2>$name</h2> <small>$version</small> <span class="tag">$category</span></header>
  <p>$summary</p>
  <ul class="similar" aria-label="Similar packages">$similar</ul>
  <details><summary>From its description</summary>$pieces</details>
</article>""")

Row = dict[str, Any]
Vector = list[float]
Similar = dict[str, list[tuple[str, float]]]


def rows(path: Path) -> list[Row]:
    return [json.loads(line) for line in path.read_text().splitlines()]


def mean(vectors: list[Vector]) -> Vector:
    return [math.fsum(column) / len(vectors) for column in zip(*vectors, strict=True)]


def directions(vectors: list[Row]) -> dict[str, Vector]:
    """One vector of length 1 for each package, as seen from the middle of them all.

    The vectors of a language model share a large common part; without it they differ by what the texts are about.
    """
    by_name = defaultdict(list)
    for row in vectors:
        by_name[row["name"]].append(row["vector"])
    means = {name: mean(pieces) for name, pieces in by_name.items()}
    middle = mean(list(means.values())) if means else []
    return {name: unit([a - b for a, b in zip(vector, middle, strict=True)]) for name, vector in means.items()}


def unit(vector: Vector) -> Vector:
    length = math.hypot(*vector) or 1.0
    return [number / length for number in vector]


def neighbours(name: str, vectors: dict[str, Vector], count: int) -> list[tuple[str, float]]:
    """The packages that are most similar, and their cosine; those that point away are none."""
    cosines = {
        other: math.fsum(a * b for a, b in zip(vectors[name], vector, strict=True))
        for other, vector in vectors.items()
        if other != name
    }
    nearest = sorted(cosines.items(), key=lambda item: item[1], reverse=True)
    return [(other, cosine) for other, cosine in nearest[:count] if cosine > 0]


def page(title: str, packages: list[Row], texts: dict[str, list[str]], similar: Similar) -> str:
    """The whole page; every text is escaped here and nowhere else."""
    numbers = {package["name"]: number for number, package in enumerate(packages)}

    def link(name: str, cosine: float) -> str:
        style = f'style="--cosine: {cosine:.2f}" title="cosine {cosine:.2f}"'
        return f'<li><a href="#p{numbers[name]}" {style}>{html.escape(name)}</a></li>'

    cards = [
        CARD.substitute(
            {key: html.escape(package[key]) for key in ("name", "version", "category", "summary")},
            number=numbers[package["name"]],
            similar="".join(link(*neighbour) for neighbour in similar.get(package["name"], [])),
            pieces="".join(f"<p>{html.escape(text)}</p>" for text in texts[package["name"]]),
        )
        for package in packages
    ]
    categories = Counter(package["category"] for package in packages)
    return PAGE.substitute(
        title=html.escape(title),
        models=html.escape(", ".join(sorted({package["model"] for package in packages}))),
        count=len(packages),
        filters="".join(
            f'<button value="{html.escape(category)}" aria-pressed="false">{html.escape(category)} {count}</button>'
            for category, count in categories.most_common()
        ),
        cards="".join(cards),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--summaries", type=Path, required=True)
    parser.add_argument("--pieces", type=Path, required=True)
    parser.add_argument("--vectors", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--title", required=True)
    parser.add_argument("--neighbours", type=int, required=True)
    args = parser.parse_args()

    packages = rows(args.summaries)
    texts = defaultdict(list)
    for piece in rows(args.pieces):
        texts[piece["name"]].append(piece["text"])
    vectors = directions(rows(args.vectors))
    similar = {name: neighbours(name, vectors, args.neighbours) for name in vectors}
    args.out.write_text(page(args.title, packages, texts, similar), encoding="utf-8")
    taximeter.items(len(packages))


if __name__ == "__main__":
    main()
