"""The tree of what programs name inside stages, by self and total time."""

from __future__ import annotations

from collections.abc import Iterable

from taximeter.ledger.spansums import Region, SpanSum, SpanSums
from taximeter.report import records


def span_tree(sums: SpanSums) -> records.SpanTree:
    """Regions under the regions around them, the longest first.

    A region is found below its parent by name. Where one name stands in several places its children stand below the
    first of them, and a region that is its own parent (recursion) stands once.
    """
    below: dict[tuple[str | None, str | None], list[Region]] = {}
    for region in sorted(sums.regions, key=lambda r: -sums.regions[r].wall_ms):
        below.setdefault((region.stage_id, region.parent), []).append(region)
    names = {(region.stage_id, region.name) for region in sums.regions if region.parent != region.name}
    roots = [r for place, regions in below.items() if place not in names for r in regions]
    nodes: list[records.SpanNode] = []
    taken: set[Region] = set()
    grown: set[tuple[str | None, str]] = set()
    for root in (*_longest_first(roots, sums), *sums.regions):  # the latter for rings, in which nothing is a root
        waiting: list[tuple[Region, int | None]] = [(root, None)]
        while waiting:
            region, parent = waiting.pop()
            if region in taken:
                continue
            taken.add(region)
            place = (region.stage_id, region.name)
            children = [] if place in grown else [r for r in below.get(place, ()) if r not in taken]
            grown.add(place)
            nodes.append(_node(region, parent, sums.regions[region], [sums.regions[r] for r in children]))
            waiting += [(child, len(nodes) - 1) for child in reversed(children)]
    return records.SpanTree(nodes=nodes, left_out=sums.left_out)


def _longest_first(regions: Iterable[Region], sums: SpanSums) -> list[Region]:
    return sorted(regions, key=lambda region: -sums.regions[region].wall_ms)


def _node(region: Region, parent: int | None, total: SpanSum, children: list[SpanSum]) -> records.SpanNode:
    inside = sum(child.wall_ms for child in children)
    return records.SpanNode(
        name=region.name,
        stage_id=region.stage_id,
        parent=parent,
        count=total.count,
        failed=total.failed,
        total_seconds=total.wall_ms / 1000,
        self_seconds=max(total.wall_ms - inside, 0.0) / 1000,
        cpu_seconds=None if total.cpu_ms is None else total.cpu_ms / 1000,
    )
