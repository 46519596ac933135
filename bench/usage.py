"""What a deployment uses in a month: quantities, each of which has a price.

Three kinds of numbers go in. A `Load` is what you choose. `Measured` comes from the other
benchmarks, on the machine that they name. `Assumed` is neither: what could not be measured without
AWS, or is a matter of the site; each with why it is as it is.
"""

from dataclasses import dataclass
from math import ceil, exp, factorial

HOURS = 730
SECONDS = HOURS * 3600
MINUTES = HOURS * 60
MILLION = 1e6
GB = 1e9
_PROCESSOR_MB = 1769  # with this much a function has one processor to itself, AWS says


@dataclass(frozen=True)
class Load:
    """What comes in: readers' requests for pages, of which the CDN answers a share, and writes."""

    reads_per_second: float
    page_bytes: int  # compressed, as it is sent
    cdn_hit_share: float = 0.9
    writes_share: float = 0.001

    @property
    def reads(self) -> float:
        """Requests for pages in a month."""
        return self.reads_per_second * SECONDS

    @property
    def origin_reads(self) -> float:
        """Requests for pages that the CDN does not answer, in a month."""
        return self.reads * (1 - self.cdn_hit_share)

    @property
    def writes(self) -> float:
        """Saves in a month."""
        return self.reads * self.writes_share


@dataclass(frozen=True)
class Measured:
    """What the benchmarks found, each in one run on one machine."""

    page_bytes: int  # a page of 3,850 words, compressed (cold.json)
    hit_cpu_milliseconds: float  # of a cached page, in a warm instance (cold.json)
    start_cpu_milliseconds: float  # from no process to the first cached page (cold.json)
    put_milliseconds: float  # a save, with PostgreSQL and Redis beside it (locks.json)
    write_sql_milliseconds: float  # of it, the claim and the save (locks.json)
    log_bytes: int  # the line of a request, as sheaf.telemetry writes it


@dataclass(frozen=True)
class Assumed:
    """What was not measured."""

    memory_mb: int = 512  # the template's
    round_trip_milliseconds: float = 1.0  # to the cache or the database, in the same region
    cache_hit_share: float = 0.9  # of the origin's reads; the others ask the database
    miss_milliseconds: float = 25.0  # billed for a read that asks the database
    upkeep_milliseconds: float = 200.0  # of a run, and of purging after it
    start_share: float = 0.01  # of the origin's requests, those that start an instance
    # Five minutes in the editor: a mark of presence every twenty seconds, the text kept as a draft
    # at six pauses, a preview or two, the save.
    calls_per_write: int = 24
    upkeep_minutes: float = 1.0  # from one run to the next
    paths_at_most: int = 3  # of a run; of more pages all are purged at once, which is one path
    files_per_read: float = 0.5  # browsers keep the five files of a page for a year
    file_bytes: int = 1_500
    file_miss_share: float = 0.01  # they never change, so the CDN has nearly all of them
    header_bytes: int = 700  # of each answer
    platform_log_bytes: int = 650  # Lambda's own two records of a call, and CloudWatch's overhead
    access_log_bytes: int = 300  # API Gateway's of a request
    pages: int = 10_000
    row_bytes: int = 60_000  # a page: source, HTML, text, search vector, first revision
    revision_bytes: int = 15_000  # a save: a revision with its indexes
    io_per_write: float = 10.0
    io_per_miss: float = 0.5  # most rows are in memory
    miss_sql_milliseconds: float = 0.5
    processors_per_acu: float = 0.25
    database_headroom: float = 2.0  # twice what the work needs
    least_acu: float = 0.5  # with 0 it sleeps when nobody comes
    awake_minutes: float = 10.0  # after each run of upkeep, if it may sleep
    instances: int = 2  # the writer, and the stand-by, which grows with it
    custom_metrics: int = 19  # the functions', and four that are counted in their logs
    upkeep_metrics: int = 4  # of these
    alarms: int = 26  # metrics that alarms look at
    keys: int = 1
    web_acls: int = 0  # those of waf.yaml, with a rule each; the site does without

    @property
    def runs(self) -> float:
        """Of upkeep, in a month."""
        return MINUTES / self.upkeep_minutes


def quantities(load: Load, measured: Measured, assumed: Assumed) -> dict[str, float]:
    """How much of everything that has a price, by its name there."""
    misses = load.origin_reads * (1 - assumed.cache_hit_share)
    calls = load.writes * assumed.calls_per_write
    return {
        **_cdn(load, assumed, calls),
        "api requests": (load.origin_reads + calls) / MILLION,
        **_functions(load, measured, assumed, misses, calls),
        **_cache(load, assumed),
        **_database(load, measured, assumed, misses),
        **_firewall(load, assumed, calls),
        **_watching(load, measured, assumed, calls),
        "keys": assumed.keys,
    }


def _cdn(load: Load, assumed: Assumed, calls: float) -> dict[str, float]:
    files = load.reads * assumed.files_per_read
    read_bytes = load.reads * (load.page_bytes + assumed.header_bytes)
    file_bytes = files * (assumed.file_bytes + assumed.header_bytes)
    return {
        "cdn gigabytes": (read_bytes + file_bytes) / GB,
        "cdn requests": _requests(load, assumed, calls) / MILLION,
        "cdn function": load.reads / MILLION,
        "purged paths": assumed.runs
        * purged_paths(load.writes / assumed.runs, assumed.paths_at_most),
        "static reads": files * assumed.file_miss_share / MILLION,
    }


def _requests(load: Load, assumed: Assumed, calls: float) -> float:
    """All that comes to the CDN: of pages, of files and of writers."""
    return load.reads * (1 + assumed.files_per_read) + calls


def _firewall(load: Load, assumed: Assumed, calls: float) -> dict[str, float]:
    inspected = assumed.web_acls * _requests(load, assumed, calls)
    return {
        "web acls": assumed.web_acls,
        "web acl rules": assumed.web_acls,
        "inspected requests": inspected / MILLION,
    }


def purged_paths(writes: float, at_most: int) -> float:
    """How many paths a run purges, if `writes` pages change before one, on average, by chance."""
    shares = [exp(-writes) * writes**count / factorial(count) for count in range(at_most + 1)]
    return sum(count * share for count, share in enumerate(shares)) + 1 - sum(shares)


def _functions(
    load: Load, measured: Measured, assumed: Assumed, misses: float, calls: float
) -> dict[str, float]:
    starts = (load.origin_reads + calls) * assumed.start_share
    hits = load.origin_reads - misses
    milliseconds = (
        hits * hit_milliseconds(measured, assumed)
        + misses * assumed.miss_milliseconds
        + calls * write_milliseconds(measured, assumed)
        + starts * start_milliseconds(measured, assumed)
        + 2 * assumed.runs * assumed.upkeep_milliseconds
    )
    return {
        "lambda requests": (load.origin_reads + calls + 2 * assumed.runs) / MILLION,
        "lambda time": milliseconds / 1000 * assumed.memory_mb / 1024 / MILLION,
    }


def hit_milliseconds(measured: Measured, assumed: Assumed) -> int:
    """What is billed for a cached page: a round trip, and the work on a share of a processor."""
    work = measured.hit_cpu_milliseconds / _processor(assumed)
    return ceil(work + assumed.round_trip_milliseconds)


def write_milliseconds(measured: Measured, assumed: Assumed) -> int:
    """What is billed for a save: two round trips to the cache and two to the database."""
    return ceil(
        measured.put_milliseconds / _processor(assumed) + 4 * assumed.round_trip_milliseconds
    )


def start_milliseconds(measured: Measured, assumed: Assumed) -> int:
    """What is billed for the start of an instance."""
    return ceil(measured.start_cpu_milliseconds / _processor(assumed))


def _processor(assumed: Assumed) -> float:
    return assumed.memory_mb / _PROCESSOR_MB


def _cache(load: Load, assumed: Assumed) -> dict[str, float]:
    entry = ceil(load.page_bytes / 3) * 4 + assumed.header_bytes  # in base64
    kilobytes = max(1.0, entry / 1024)
    # A miss reads nothing and stores; a save locks, waits for nobody, stores and unlocks.
    ecpus = load.origin_reads * kilobytes + load.writes * (kilobytes + 6)
    return {
        "cache work": ecpus / MILLION,
        "cache data": max(0.1, assumed.pages * entry / GB) * HOURS,
    }


def _database(load: Load, measured: Measured, assumed: Assumed, misses: float) -> dict[str, float]:
    stored = assumed.pages * assumed.row_bytes + load.writes * assumed.revision_bytes
    io = load.writes * assumed.io_per_write + misses * assumed.io_per_miss
    return {
        "database capacity": capacity(load, measured, assumed, misses) * assumed.instances * HOURS,
        "database data": stored / GB,
        "database io": io / MILLION,
    }


def capacity(load: Load, measured: Measured, assumed: Assumed, misses: float) -> float:
    """Capacity units of an instance: what the work needs with room to spare, in halves."""
    seconds = (
        load.writes * measured.write_sql_milliseconds + misses * assumed.miss_sql_milliseconds
    ) / 1000
    units = seconds / SECONDS / assumed.processors_per_acu * assumed.database_headroom
    if units == 0 and assumed.least_acu == 0:
        return 0.5 * min(1.0, assumed.awake_minutes / assumed.upkeep_minutes)
    return max(assumed.least_acu, 0.5, ceil(2 * units) / 2)


def _watching(load: Load, measured: Measured, assumed: Assumed, calls: float) -> dict[str, float]:
    line = measured.log_bytes + assumed.platform_log_bytes
    requests = load.origin_reads + calls
    return {
        "logs": (requests * (line + assumed.access_log_bytes) + 2 * assumed.runs * line) / GB,
        "metrics": assumed.custom_metrics,
        "alarms": assumed.alarms,
    }
