"""Settings of the local site, read once from the environment and checked."""

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local.gateway.template import Template, TemplateError, load

CLIENT_ID = "sheaf"
WRONG_SETTING = 2  # the status of a program that has said which setting is of no use
HOST = "127.0.0.1"
MOUNT = "/-/local"
PROJECT = Path(__file__).resolve().parents[2]


class ConfigError(ValueError):
    """A setting of the local site is missing or wrong."""


@dataclass(frozen=True)
class GatewayConfig:
    """The template to serve, and whose tokens are trusted: an issuer's, for an audience."""

    template: Path
    issuer: str
    audience: str

    @classmethod
    def read(cls, environ: Mapping[str, str]) -> "GatewayConfig":
        """Read SHEAF_TEMPLATE, SHEAF_ISSUER and SHEAF_CLIENT_ID; raises ConfigError."""
        issuer = environ.get("SHEAF_ISSUER", "")
        if not _has_host(issuer):
            raise ConfigError("SHEAF_ISSUER must be the address of the issuer of tokens")
        path = Path(environ.get("SHEAF_TEMPLATE", PROJECT / "template.yaml"))
        return cls(path, issuer, environ.get("SHEAF_CLIENT_ID", CLIENT_ID))

    def load(self) -> Template:
        """Read the template with this issuer in place of the one that its parameters name.

        Raises ConfigError.
        """
        parameters = {"JwtIssuer": self.issuer, "JwtAudience": self.audience}
        try:
            return load(self.template, parameters)
        except TemplateError as error:
            raise ConfigError(f"SHEAF_TEMPLATE: {error}") from error


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
        check_proxies(environ)
        return cls(
            home=home_of(environ),
            port=port_of(environ, 3000),
            workers=workers_of(environ),
            database_urls=environ.get("SHEAF_DATABASE_URLS", ""),
            cache_url=environ.get("SHEAF_CACHE_URL", ""),
        )


def _has_host(url: str) -> bool:
    try:
        return bool(urlsplit(url).hostname)
    except ValueError:
        return False


def home_of(environ: Mapping[str, str]) -> Path:
    """The folder with the local site's state, which SHEAF_HOME names."""
    return Path(environ.get("SHEAF_HOME") or ".sheaf").absolute()


def port_of(environ: Mapping[str, str], default: int = 8000) -> int:
    """The port that PORT names; raises ConfigError."""
    return _number(environ, "PORT", default, range(65536))


def workers_of(environ: Mapping[str, str]) -> int:
    """How many processes WORKERS asks for; raises ConfigError."""
    return _number(environ, "WORKERS", 2, range(1, 129))


def check_proxies(environ: Mapping[str, str]) -> None:
    """Raise ConfigError unless gunicorn can read FORWARDED_ALLOW_IPS."""
    for each in environ.get("FORWARDED_ALLOW_IPS", "*").split(","):
        try:
            _ = each.strip() == "*" or ipaddress.ip_network(each.strip())
        except ValueError as error:
            raise ConfigError(f"FORWARDED_ALLOW_IPS: {error}") from None


def _number(environ: Mapping[str, str], variable: str, default: int, allowed: range) -> int:
    text = environ.get(variable) or str(default)
    if not re.fullmatch("[0-9]{1,9}", text) or int(text) not in allowed:
        raise ConfigError(f"{variable} must be {allowed[0]} to {allowed[-1]}, not {text[:20]!r}")
    return int(text)
