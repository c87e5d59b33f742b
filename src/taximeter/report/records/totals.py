"""Sums over calls."""

from __future__ import annotations

from taximeter.report.records.terms import CostStatus, Count, Money, Record


class Saved(Record, frozen=True, kw_only=True):
    """What calls that were answered from a local cache would have used."""

    prompt_tokens: Count = 0
    completion_tokens: Count = 0


class ModelTotals(Record, frozen=True, kw_only=True):
    """Sums over calls. Every call is in `calls`; tokens and cost leave out what a local cache answered."""

    calls: Count = 0
    embedding_calls: Count = 0
    failed_calls: Count = 0
    cached_calls: Count = 0
    missing_usage_calls: Count = 0
    """Calls of which nobody said how many tokens they used."""

    unpriced_calls: Count = 0
    """Calls with tokens and without any price."""

    partial_calls: Count = 0
    """Calls of which a part has no price."""

    estimated_calls: Count = 0
    inconsistent_calls: Count = 0
    """Calls whose counts cannot all be true."""

    prompt_tokens: Count = 0
    """All input tokens, those of embeddings and of the provider's cache included."""

    completion_tokens: Count = 0
    """All output tokens, reasoning included."""

    cache_read_input_tokens: Count = 0
    cache_write_input_tokens: Count = 0
    tool_use_input_tokens: Count = 0
    reasoning_output_tokens: Count = 0
    embedding_tokens: Count = 0
    """Input tokens of embedding calls."""

    cache_write_by_ttl: dict[str, Count] = {}
    """`cache_write_input_tokens` by how long they are kept."""

    modality_tokens: dict[str, Count] = {}
    """Tokens of text, image, audio and video, as far as providers told them."""

    counters: dict[str, Count] = {}
    """What is billed by the piece and is not a token."""

    cost: Money | None = None
    """Money of what is priced; null if nothing is."""

    cost_status: CostStatus | None = None
    """How sure the cost is: that of the least sure call; null without calls."""

    saved: Saved = Saved()
    saved_cost: Money | None = None
    """What the calls that a local cache answered would have cost."""


class Totals(ModelTotals, frozen=True, kw_only=True):
    """Sums over calls, and the same by model."""

    per_model: dict[str, ModelTotals] = {}
    """Keyed by the model that was asked for."""
