"""Settings of the local site, read once from the environment and checked."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.template import Template, load

CLIENT_ID = "sheaf"
HOST = "127.0.0.1"
MOUNT = "/-/local"
PROJECT = Path(__file__).resolve().parent.parent


class ConfigError(ValueError):
    """A setting of the local site is missing or wrong."""


@dataclass(frozen=True)
class GatewayConfig:
    """The template to serve, the state directory, and the address of the local issuer."""

    template: Path
    home: Path
    issuer: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "GatewayConfig":
        """Read SHEAF_TEMPLATE, SHEAF_HOME and SHEAF_ISSUER; raises ConfigError."""
        issuer = environ.get("SHEAF_ISSUER", "")
        if not urlsplit(issuer).hostname:
            raise ConfigError("SHEAF_ISSUER must be the address of the local issuer")
        path = Path(environ.get("SHEAF_TEMPLATE", PROJECT / "template.yaml"))
        return cls(path, _home(environ), issuer)

    def load(self) -> Template:
        """Read the template with the local issuer in place of a deployed one."""
        return load(self.template, {"JwtIssuer": self.issuer, "JwtAudience": CLIENT_ID})


@dataclass(frozen=True)
class RunConfig:
    """How to run the site: an address left empty means a server of our own; port 0 any free one."""

    home: Path
    port: int
    workers: int
    database_urls: str
    cache_url: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "RunConfig":
        """Read SHEAF_HOME, PORT, WORKERS and the servers' addresses; raises ConfigError."""
        return cls(
            home=_home(environ),
            port=_number(environ, "PORT", 3000, range(65536)),
            workers=_number(environ, "WORKERS", 2, range(1, 129)),
            database_urls=environ.get("SHEAF_DATABASE_URLS", ""),
            cache_url=environ.get("SHEAF_CACHE_URL", ""),
        )


def _home(environ: Mapping[str, str]) -> Path:
    return Path(environ.get("SHEAF_HOME") or ".sheaf").absolute()


def _number(environ: Mapping[str, str], variable: str, default: int, allowed: range) -> int:
    text = environ.get(variable) or str(default)
    if not text.isdecimal() or int(text) not in allowed:
        raise ConfigError(f"{variable} must be {allowed[0]} to {allowed[-1]}, not {text!r}")
    return int(text)
