"""Calls as a cost and usage table of FOCUS 1.2, so that LLM spend stands beside the cloud bill.

Source of the columns: FinOps Open Cost and Usage Specification 1.2 (focus.finops.org). A row is what one model used of
one unit in one stage within an hour.
"""

from __future__ import annotations

import csv
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import TextIO

import msgspec

from taximeter.events import CallEvent, SpanEvent
from taximeter.export.csv import field
from taximeter.numbers import exact
from taximeter.pricing.cost import EXACT, PRICING, Cost, LineItem, twelve_places

COLUMNS = (
    "BilledCost",
    "BillingAccountId",
    "BillingAccountName",
    "BillingAccountType",
    "BillingCurrency",
    "BillingPeriodEnd",
    "BillingPeriodStart",
    "ChargeCategory",
    "ChargeClass",
    "ChargeDescription",
    "ChargeFrequency",
    "ChargePeriodEnd",
    "ChargePeriodStart",
    "ConsumedQuantity",
    "ConsumedUnit",
    "ContractedCost",
    "ContractedUnitPrice",
    "EffectiveCost",
    "InvoiceId",
    "InvoiceIssuerName",
    "ListCost",
    "ListUnitPrice",
    "PricingCategory",
    "PricingCurrency",
    "PricingQuantity",
    "PricingUnit",
    "ProviderName",
    "PublisherName",
    "RegionId",
    "RegionName",
    "ResourceId",
    "ResourceName",
    "ResourceType",
    "ServiceCategory",
    "ServiceName",
    "ServiceSubcategory",
    "SkuId",
    "SkuMeter",
    "SkuPriceId",
    "SubAccountId",
    "SubAccountName",
    "SubAccountType",
    "Tags",
)
_HOUR = timedelta(hours=1)


class _Charge(msgspec.Struct, frozen=True):
    """What a row is kept by."""

    hour: datetime
    stage_id: str | None
    provider: str
    model: str
    region: str | None
    unit: str
    rate: Decimal
    per: int
    rule: str
    tags: tuple[tuple[str, str], ...]


class _Sums(msgspec.Struct):
    quantity: int = 0
    cost: Decimal = Decimal(0)


class FocusTable:
    """Adds up the charges of a run; `write` gives the table.

    Calls without a price have no row, since nobody knows their charge; `left_out` counts them. Calls that a provider
    billed as a whole are charged by the request.
    """

    def __init__(self, run_id: str) -> None:
        self.left_out = 0
        self._run_id = run_id
        self._currency = "USD"
        self._charges: dict[_Charge, _Sums] = {}

    def call(self, call: CallEvent, cost: Cost) -> None:
        """Adds what was charged for a call."""
        if cost.amount is None:
            self.left_out += call.status != "failed"
            return
        self._currency = cost.currency
        items = cost.line_items or (LineItem("requests", 1, cost.amount, 1, cost.amount),)
        for item in items:
            sums = self._charges.setdefault(self._charge(call, item), _Sums())
            sums.quantity += item.quantity
            sums.cost = EXACT.add(sums.cost, item.amount)

    def span(self, span: SpanEvent) -> None:
        """Spans are not charged."""

    def write(self, file: TextIO) -> None:
        """Writes the table as CSV, in the order of time."""
        writer = csv.DictWriter(file, COLUMNS)
        writer.writeheader()
        for charge, sums in sorted(self._charges.items(), key=lambda row: (row[0].hour, row[0].model, row[0].unit)):
            writer.writerow({name: field(value) for name, value in self._row(charge, sums).items()})

    def _charge(self, call: CallEvent, item: LineItem) -> _Charge:
        moment = datetime.fromtimestamp(call.started_at or 0.0, UTC)
        return _Charge(
            hour=moment.replace(minute=0, second=0, microsecond=0),
            stage_id=call.stage_id,
            provider=call.provider or "unknown",
            model=call.response_model or call.model,
            region=call.region,
            unit=item.unit,
            rate=item.rate,
            per=item.per,
            rule=item.rule,
            tags=tuple(sorted((call.tags or {}).items())),
        )

    def _row(self, charge: _Charge, sums: _Sums) -> dict[str, object]:
        month = charge.hour.replace(day=1, hour=0)
        price = twelve_places(PRICING.divide(charge.rate, charge.per))
        stage = charge.stage_id or "(outside stages)"
        tags = {"run_id": self._run_id, "stage_id": stage, **dict(charge.tags)}
        return {
            **dict.fromkeys(("BilledCost", "ContractedCost", "EffectiveCost", "ListCost"), sums.cost),
            **dict.fromkeys(("ContractedUnitPrice", "ListUnitPrice"), price),
            **dict.fromkeys(("ConsumedQuantity", "PricingQuantity"), sums.quantity),
            **dict.fromkeys(("ConsumedUnit", "PricingUnit"), _unit(charge.unit)),
            **dict.fromkeys(("BillingCurrency", "PricingCurrency"), self._currency),
            **dict.fromkeys(("InvoiceIssuerName", "ProviderName", "PublisherName"), charge.provider),
            "BillingAccountId": charge.provider,
            "BillingAccountName": charge.provider,
            "BillingAccountType": "Provider",
            "BillingPeriodStart": _time(month),
            "BillingPeriodEnd": _time((month + timedelta(days=32)).replace(day=1)),
            "ChargeCategory": "Usage",
            "ChargeDescription": f"{charge.unit} of {charge.model} ({charge.rule}) in {stage}",
            "ChargeFrequency": "Usage-Based",
            "ChargePeriodStart": _time(charge.hour),
            "ChargePeriodEnd": _time(charge.hour + _HOUR),
            "PricingCategory": "Standard" if charge.rule == "standard" else "Dynamic",
            "RegionId": charge.region,
            "RegionName": charge.region,
            "ResourceId": charge.model,
            "ResourceName": charge.model,
            "ResourceType": "Model",
            "ServiceCategory": "AI and Machine Learning",
            "ServiceSubcategory": "Generative AI",
            "ServiceName": f"{charge.provider} API",
            "SkuId": f"{charge.provider}/{charge.model}/{charge.unit}",
            "SkuMeter": charge.unit,
            "SkuPriceId": f"{charge.provider}/{charge.model}/{charge.unit}/{exact(price)}",
            "SubAccountId": self._run_id,
            "SubAccountName": self._run_id,
            "SubAccountType": "Run",
            "Tags": msgspec.json.encode(tags).decode(),
        }


def _unit(unit: str) -> str:
    """As FOCUS writes units: in the plural, with a capital letter."""
    return "Tokens" if unit.endswith("_tokens") else unit.replace("_", " ").capitalize()


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
