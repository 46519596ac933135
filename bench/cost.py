"""What a deployment costs in a month, reckoned from measured numbers and AWS's list prices.

    python -m bench.cost [--hit 0.9] [--writes 0.001] [--page BYTES]

prints, for 1, 100 and 10,000 readers' requests a second, what each service costs and which of them
dominates; then the total for other shares of requests that the CDN answers and of writes. This is
arithmetic: nothing is timed, and the same numbers give the same tables. The quantities are
worked out in bench/usage.py, from what bench/results holds and from what is assumed there; the
prices are in bench/prices.py. Without options the result goes to bench/results/cost.json, whose
tables docs/cost.md shows.

Left out: lists and searches (each is a request that the CDN may not answer and that asks the
database), discounts, taxes, support, what is free in an account's first year, and prices elsewhere
than in us-east-1. Of AWS: backups beyond the size of the database, the storage of logs and
CloudFront's own, data between zones, what writers send to CloudFront, a domain and its zone,
mails, and Cognito, which is free for the first ten thousand people. Not known without AWS: how long
a function really runs there, above all on arm64, where nothing was measured, and how many capacity
units a database takes.
"""

import argparse
import json
import sys
from contextlib import redirect_stdout
from dataclasses import asdict, replace
from io import StringIO
from types import SimpleNamespace
from typing import Any

from bench.prices import PRICES, Price
from bench.report import RESULTS
from bench.usage import Assumed, Load, Measured, quantities
from sheaf import telemetry

LOADS = (1.0, 100.0, 10_000.0)
HIT_SHARES = (0.0, 0.5, 0.9, 0.99)
WRITE_SHARES = (0.0, 0.0001, 0.001, 0.01)
SERVICES = {
    "CloudFront": ("cdn gigabytes", "cdn requests", "cdn function"),
    "Purges of changed pages": ("purged paths",),
    "API Gateway": ("api requests",),
    "Lambda": ("lambda requests", "lambda time"),
    "ElastiCache": ("cache work", "cache data"),
    "Aurora": ("database capacity", "database data", "database io"),
    "CloudWatch": ("logs", "metrics", "alarms"),
    "KMS and S3": ("keys", "static reads"),
    "WAF": ("web acls", "web acl rules", "inspected requests"),
}
FILE = RESULTS / "cost.json"
_MEASURED = {
    "page_bytes": ("a page of 3,850 words as it is sent", "{:,.0f} bytes", "cold"),
    "hit_cpu_milliseconds": ("processor time of a cached page", "{:.2f} ms", "cold"),
    "start_cpu_milliseconds": ("processor time of an instance's start", "{:.0f} ms", "cold"),
    "put_milliseconds": ("a save, with all it takes", "{:.1f} ms", "locks"),
    "write_sql_milliseconds": ("of which the database has", "{:.1f} ms", "locks"),
    "log_bytes": ("the line of a request in the log", "{:,.0f} bytes", "cost"),
}


def main() -> None:
    """Reckon, print, and save it unless it was asked with options."""
    found = measured()
    result = reckon(_chosen(found.page_bytes), found, Assumed())
    print("\n\n".join(tables(result).values()))
    print(f"\nLeft out{(__doc__ or '').rpartition('Left out')[2]}")
    if len(sys.argv) == 1:
        FILE.write_text(json.dumps(result, indent=2) + "\n")


def _chosen(page_bytes: int) -> Load:
    parser = argparse.ArgumentParser(prog="python -m bench.cost")
    parser.add_argument("--hit", type=float, default=Load.cdn_hit_share, help="share")
    parser.add_argument("--writes", type=float, default=Load.writes_share, help="share")
    parser.add_argument("--page", type=int, default=page_bytes, help="bytes, compressed")
    given = parser.parse_args()
    return Load(1, given.page, given.hit, given.writes)


def measured() -> Measured:
    """What the other benchmarks found, and how long the line of a request is."""
    cold, locks = _result("cold"), _result("locks")
    return Measured(
        page_bytes=cold["compressed_bytes"],
        hit_cpu_milliseconds=cold["warm"]["Sheaf"]["cpu_microseconds_200"] / 1000,
        start_cpu_milliseconds=cold["cold"]["Sheaf"]["cpu_milliseconds"],
        put_milliseconds=locks["write_milliseconds"]["put"],
        write_sql_milliseconds=locks["write_milliseconds"]["locked"],
        log_bytes=log_bytes(),
    )


def _result(name: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads((RESULTS / f"{name}.json").read_text())
    return found


def log_bytes() -> int:
    """The size of what a cached page's request writes to the log, names as long as on AWS."""
    context = SimpleNamespace(
        aws_request_id="11111111-2222-3333-4444-555555555555",
        memory_limit_in_mb=512,
        function_name="sheaf-prod-PagesFunction-AbCdEfGhIjKl",
        invoked_function_arn="arn:aws:lambda:us-east-1:123456789012:function:"
        "sheaf-prod-PagesFunction-AbCdEfGhIjKl:live",
    )
    fields = {"method": "GET", "path": "/a-page-to-measure", "status": 200, "cache": "hit"}
    line = StringIO()
    with redirect_stdout(line):
        telemetry.request(context, 1.8e9, ("CacheHit",), **fields, milliseconds=1.234)
    return len(line.getvalue().encode())


def reckon(load: Load, measured: Measured, assumed: Assumed) -> dict[str, Any]:
    """The bill of each load, of none, and the totals for other shares, with all they rest on."""

    def at(rate: float, load: Load, assumed: Assumed = assumed) -> dict[str, float]:
        return bill(quantities(replace(load, reads_per_second=rate), measured, assumed))

    def totals(load: Load, assumed: Assumed = assumed) -> dict[str, float]:
        return {_name(rate): round(sum(at(rate, load, assumed).values()), 2) for rate in LOADS}

    # A metric costs nothing while nothing is counted; upkeep goes on counting.
    idle = replace(assumed, custom_metrics=assumed.upkeep_metrics)
    sleeping = replace(idle, least_acu=0, instances=1, upkeep_minutes=60)
    return {
        "load": asdict(load),
        "measured": asdict(measured),
        "assumed": asdict(assumed),
        "bills": {_name(rate): at(rate, load) for rate in LOADS},
        "idle": {
            "awake, with a stand-by": at(0, load, idle),
            "asleep, but for upkeep once an hour": at(0, load, sleeping),
        },
        "by_hit_share": {
            f"{share:g}": totals(replace(load, cdn_hit_share=share)) for share in HIT_SHARES
        },
        "by_writes_share": {
            f"{share:g}": totals(replace(load, writes_share=share)) for share in WRITE_SHARES
        },
        "firewall": {
            "as above": totals(load),
            "with `waf.yaml`": totals(load, replace(assumed, web_acls=1)),
        },
        "savings": {
            "as above": totals(load),
            "`UpkeepEvery=rate(5 minutes)`": totals(load, replace(assumed, upkeep_minutes=5)),
            "no stand-by": totals(load, replace(assumed, instances=1)),
            "pages of half the size": totals(replace(load, page_bytes=load.page_bytes // 2)),
        },
    }


def _name(rate: float) -> str:
    return f"{rate:,.0f}"


def bill(used: dict[str, float]) -> dict[str, float]:
    """What each service costs, in dollars and cents."""
    return {
        service: round(sum(PRICES[name].of(used[name]) for name in names), 2)
        for service, names in SERVICES.items()
    }


def tables(result: dict[str, Any]) -> dict[str, str]:
    """The result as tables in Markdown, by what they show."""
    return {
        "measured": _measured(result["measured"]),
        "bills": _bills("dollars a month, by reads a second", result["bills"]),
        "idle": _bills("dollars a month, when nobody comes", result["idle"]),
        "by_hit_share": _by_share("answered by the CDN", result["by_hit_share"]),
        "by_writes_share": _by_share("writes among the requests", result["by_writes_share"]),
        "firewall": _totals("dollars a month, by reads a second", result["firewall"]),
        "savings": _totals("dollars a month, by reads a second", result["savings"]),
        "prices": _prices(),
    }


def _measured(found: dict[str, float]) -> str:
    rows = [
        [what, form.format(found[name]), f"`bench/{source}.py`"]
        for name, (what, form, source) in _MEASURED.items()
    ]
    return _table(["measured", "how much", "by"], rows)


def _bills(what: str, bills: dict[str, dict[str, float]]) -> str:
    sums = {name: sum(parts.values()) for name, parts in bills.items()}
    rows = [
        [service, *(_part(parts[service], sums[name]) for name, parts in bills.items())]
        for service in SERVICES
    ]
    rows.append(["**Together**", *(f"**{_dollars(total)}**" for total in sums.values())])
    return _table([what, *bills], rows)


def _by_share(what: str, found: dict[str, dict[str, float]]) -> str:
    return _totals(what, {f"{100 * float(share):g} %": each for share, each in found.items()})


def _totals(what: str, found: dict[str, dict[str, float]]) -> str:
    rows = [[name, *map(_dollars, each.values())] for name, each in found.items()]
    return _table([what, *next(iter(found.values()))], rows)


def _prices() -> str:
    rows = [
        [f"[{price.unit}]({price.page})", _steps(price), "seen" if price.seen else "quoted"]
        for price in PRICES.values()
    ]
    return _table(["unit", "dollars", "AWS's page"], rows)


def _steps(price: Price) -> str:
    costs = [f"{dollars:g}" if dollars else "free" for _, dollars in price.steps]
    ends = [f" up to {end:,.10g}" for end, _ in price.steps[:-1]]
    return "; ".join(cost + end for cost, end in zip(costs, [*ends, ""], strict=True))


def _part(dollars: float, total: float) -> str:
    return f"{_dollars(dollars)} ({100 * dollars / total:.0f} %)"


def _dollars(amount: float) -> str:
    return f"{amount:,.2f}" if amount < 100 else f"{amount:,.0f}"


def _table(heads: list[str], rows: list[list[str]]) -> str:
    rule = "|".join(["---", *["--:"] * (len(heads) - 1)])
    return "\n".join(f"| {' | '.join(cells)} |" for cells in [heads, *rows]).replace(
        "\n", f"\n|{rule}|\n", 1
    )


if __name__ == "__main__":
    main()
