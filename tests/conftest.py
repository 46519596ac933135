"""What all tests share, with and without servers."""

import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests import shell

# Before any function is imported: Powertools reads its settings then.
shell.forget(os.environ)
os.environ |= {"POWERTOOLS_SERVICE_NAME": "sheaf-tests", "POWERTOOLS_LOG_LEVEL": "WARNING"}

from local.gateway.functions import REGION  # noqa: E402
from local.laptop.issuer import mint  # noqa: E402
from sheaf import settings  # noqa: E402
from sheaf.aws import services  # noqa: E402

# Started in a shell's background the tests would ignore Ctrl-C, and so would what they start.
signal.signal(signal.SIGINT, signal.default_int_handler)

# How long an example takes is up to the machine, and no property of the code.
hypothesis.settings.register_profile(
    "thorough", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
# The same examples everywhere: who has changed nothing sees what everybody else does.
hypothesis.settings.register_profile(
    "quick", hypothesis.settings.get_profile("thorough"), max_examples=20, derandomize=True
)
hypothesis.settings.load_profile("thorough")

ISSUER = "http://127.0.0.1:3000/-/local"
Mint = Callable[[str, str], str]
NOBODY = {
    "AWS_ACCESS_KEY_ID": "nobody",
    "AWS_SECRET_ACCESS_KEY": "nobody",
    "AWS_DEFAULT_REGION": REGION,
}
UNIT = Path(__file__).parent / "unit"


def pytest_configure(config: pytest.Config) -> None:
    """Bring the fixtures of a site, unless all that is wanted does without: they cost seconds."""
    wanted = (Path(argument.partition("::")[0]).resolve() for argument in config.args)
    if not all(path.is_relative_to(UNIT) for path in wanted):
        from tests import fixtures  # noqa: PLC0415

        config.pluginmanager.register(fixtures, fixtures.__name__)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say where the logs of servers are if something failed that has any."""
    stats = terminalreporter.stats
    failed = [*stats.get("failed", ()), *stats.get("error", ())]
    if not all(report.nodeid.startswith("tests/unit/") for report in failed):
        folder = terminalreporter.config._tmp_path_factory.getbasetemp()  # type: ignore[attr-defined]
        _name_logs(terminalreporter, folder)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Say last of all what was left out, and how to have it."""
    yield
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter is None:  # in a worker
        return
    skipped = Counter(report.longrepr[2] for report in reporter.stats.get("skipped", ()))
    for reason, number in skipped.most_common():
        reporter.write_line(f"{number:4} {reason.replace('Skipped:', 'skipped:')}")
    if session.config.option.markexpr == "not slow":
        reporter.write_line(f"Left out: {_left_out(session.config)}")


def _left_out(config: pytest.Config) -> str:
    if not config.pluginmanager.has_plugin("tests.fixtures"):
        return "all that needs a server. `make test` has most of it, and `make test-all` the rest."
    return (
        "what is marked slow, and the browser, containers, SAM and faults. `make test-all` has it"
        " all; docs/develop.md says what that needs."
    )


def _name_logs(reporter: pytest.TerminalReporter, folder: Path) -> None:
    logs = sorted(path for path in folder.rglob("log") if path.is_file() and path.stat().st_size)
    if logs:
        reporter.section("logs of servers")
        for log in logs:
            reporter.write_line(str(log))


@pytest.fixture(scope="session")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The state directory of the local issuer."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="session")
def mint_token(home: Path) -> Mint:
    """Makes the token of somebody: mint_token("alice", "editor")."""
    return lambda handle, role: mint(home, ISSUER, handle, role)


@pytest.fixture
def account(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """An AWS account that nobody has: no call in its name gets further than this machine."""
    for name, value in NOBODY.items():
        monkeypatch.setenv(name, value)
    services.client.cache_clear()
    yield
    services.client.cache_clear()


@pytest.fixture
def start_page(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Another page than `home` at the root: in a folder, and in scripts that have to be encoded."""
    monkeypatch.setenv("SHEAF_START_PAGE", "größe/茶")
    settings.start_page.cache_clear()
    yield "größe/茶"
    settings.start_page.cache_clear()


@pytest.fixture
def pauses(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """How long was waited, in seconds; nothing waits."""
    taken: list[float] = []
    monkeypatch.setattr("time.sleep", taken.append)
    return taken
