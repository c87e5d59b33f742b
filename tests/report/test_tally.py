"""Single calls as a report shows them."""

from decimal import Decimal

from taximeter.events import CallEvent
from taximeter.ledger.top import PricedCall
from taximeter.pricing.match import exact
from taximeter.pricing.price import price
from taximeter.pricing.sheet import Entry, Rate, Sheet, Step, Tiers, Variant
from taximeter.report.tally import call_record
from taximeter.usage import Usage

ENTRY = Entry(
    "m",
    match=(exact("m"),),
    rates={"input_tokens": Rate(Decimal(1), 1000)},
    tiers=Tiers("input_tokens", "cliff", (Step(500, {"input_tokens": Rate(Decimal(2), 1000)}),)),
    variants=(Variant({"processing": "batch"}, multiply=Decimal("0.5")),),
)
SHEET = Sheet(entries=(ENTRY,))


def shown(tokens: int, **fields: object) -> tuple[Decimal | None, list[str] | None, str | None]:
    call = CallEvent(event_id=("p", 0), model="m", usage=Usage(tokens, 0), **fields)  # type: ignore[arg-type]
    record = call_record(PricedCall(call, price(call, SHEET)))
    return record.cost, record.cost_rules, record.cost_reason


def test_a_call_says_which_tier_and_variant_made_its_cost_and_what_is_doubtful() -> None:
    assert shown(500) == (Decimal("0.5"), None, None)
    rules = ["above 500 input_tokens, 2 x 0.5 (processing batch)"]
    assert shown(1000, processing="batch") == (Decimal(1), rules, None)
    assert shown(500, service_tier="flex")[1:] == (None, "no rates for service_tier flex: standard rates")
