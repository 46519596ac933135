"""AWS's list prices in us-east-1, in dollars, as bench/cost.py reckons with them.

Each names the page of AWS's that has it, and on which day we looked. Most of these pages fill in
their figures in a browser only: a price is `seen` if AWS's own text had it, and otherwise quoted,
by others who agree. What an account gets for nothing each month is a first step that costs
nothing; what it gets for nothing in its first year is not counted.
"""

from dataclasses import dataclass
from datetime import date
from math import inf

LOOKED_UP = date(2026, 11, 25)

# Up to the first, an amount in a month, each unit costs the second, in dollars.
Step = tuple[float, float]


@dataclass(frozen=True)
class Price:
    """What a unit costs. Of an amount that is over a step's end, the rest costs the next step's."""

    unit: str
    steps: tuple[Step, ...]
    page: str
    seen: bool
    looked_up: date = LOOKED_UP

    def of(self, amount: float) -> float:
        """What this amount costs in a month."""
        cost, begin = 0.0, 0.0
        for end, dollars in self.steps:
            cost += max(0.0, min(amount, end) - begin) * dollars
            begin = end
        return cost


def _flat(dollars: float) -> tuple[Step, ...]:
    return ((inf, dollars),)


def _after(free: float, dollars: float) -> tuple[Step, ...]:
    return ((free, 0.0), (inf, dollars))


_CLOUDFRONT = "https://aws.amazon.com/cloudfront/pricing/"
_INVALIDATIONS = (
    "https://docs.aws.amazon.com/whitepapers/latest/how-aws-pricing-works/cloudfront.html"
)
_API_GATEWAY = "https://aws.amazon.com/api-gateway/pricing/"
_LAMBDA = "https://aws.amazon.com/lambda/pricing/"
_ELASTICACHE = "https://aws.amazon.com/elasticache/pricing/"
_AURORA = "https://aws.amazon.com/rds/aurora/pricing/"
_CLOUDWATCH = "https://aws.amazon.com/cloudwatch/pricing/"
_KMS = "https://aws.amazon.com/kms/pricing/"
_S3 = "https://aws.amazon.com/s3/pricing/"
_WAF = "https://aws.amazon.com/waf/pricing/"
_LATER = date(2026, 11, 28)

PRICES = {
    # To readers in North America and Europe; elsewhere it is up to two fifths more.
    "cdn gigabytes": Price(
        "GB sent to readers",
        (
            (1_000, 0.0),
            (11_000, 0.085),
            (51_000, 0.080),
            (151_000, 0.060),
            (501_000, 0.040),
            (1_025_000, 0.030),
            (5_025_000, 0.025),
            (inf, 0.020),
        ),
        _CLOUDFRONT,
        seen=True,
    ),
    "cdn requests": Price("million HTTPS requests", _after(10, 1.00), _CLOUDFRONT, seen=False),
    "cdn function": Price("million runs at the edge", _after(2, 0.10), _CLOUDFRONT, seen=False),
    "purged paths": Price("path", _after(1_000, 0.005), _INVALIDATIONS, seen=True),
    "api requests": Price(
        "million requests of an HTTP API", ((300, 1.00), (inf, 0.90)), _API_GATEWAY, seen=True
    ),
    "lambda requests": Price("million requests", _after(1, 0.20), _LAMBDA, seen=False),
    "lambda time": Price(
        "million GB-seconds on arm64",
        ((0.4, 0.0), (7_500, 13.3334), (18_750, 12.0001), (inf, 10.6667)),
        _LAMBDA,
        seen=False,
    ),
    "cache work": Price("million ECPUs of Valkey", _flat(0.0023), _ELASTICACHE, seen=False),
    "cache data": Price("GB-hour of Valkey", _flat(0.084), _ELASTICACHE, seen=False),
    "database capacity": Price("ACU-hour of Aurora Standard", _flat(0.12), _AURORA, seen=False),
    "database data": Price("GB-month", _flat(0.10), _AURORA, seen=False),
    "database io": Price("million I/O requests", _flat(0.20), _AURORA, seen=False),
    "logs": Price(
        "GB of functions' logs",
        ((5, 0.0), (10_000, 0.50), (30_000, 0.25), (50_000, 0.10), (inf, 0.05)),
        _CLOUDWATCH,
        seen=False,
    ),
    "metrics": Price(
        "metric of our own",
        ((10, 0.0), (10_000, 0.30), (250_000, 0.10), (inf, 0.05)),
        _CLOUDWATCH,
        seen=False,
    ),
    "alarms": Price("alarm", _after(10, 0.10), _CLOUDWATCH, seen=False),
    "keys": Price("key", _flat(1.00), _KMS, seen=True),
    "static reads": Price("million GETs from S3", _flat(0.40), _S3, seen=False),
    "web acls": Price("web ACL", _flat(5.00), _WAF, seen=False, looked_up=_LATER),
    "web acl rules": Price("rule of it", _flat(1.00), _WAF, seen=False, looked_up=_LATER),
    "inspected requests": Price(
        "million inspected requests", _flat(0.60), _WAF, seen=False, looked_up=_LATER
    ),
}
