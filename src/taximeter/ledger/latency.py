"""How long calls took: a histogram whose buckets grow by 4 %, so that any percentile is right within 2 %."""

from __future__ import annotations

from math import exp, log

import msgspec

_GROWTH = log(1.04)
_SHORTEST = 0.001


class Latencies(msgspec.Struct):
    """Durations of calls, in milliseconds; as many buckets as there are lengths 4 % apart."""

    count: int = 0
    total: float = 0.0
    longest: float = 0.0
    buckets: dict[int, int] = {}

    def take(self, milliseconds: float) -> None:
        """Adds one call."""
        self.count += 1
        self.total += milliseconds
        self.longest = max(self.longest, milliseconds)
        bucket = round(log(milliseconds if milliseconds > _SHORTEST else _SHORTEST) / _GROWTH)
        self.buckets[bucket] = self.buckets.get(bucket, 0) + 1

    def percentile(self, share: float) -> float | None:
        """The duration that this share (0 to 1) of the calls did not exceed; None without calls."""
        rank, seen = share * self.count, 0
        for bucket in sorted(self.buckets):
            seen += self.buckets[bucket]
            if seen >= rank:
                return min(exp(bucket * _GROWTH), self.longest)
        return None
