"""Settings: read once from the environment, in this one place, and validated.

Imported for every cached page, so it imports little.
"""

import os
from collections.abc import Mapping
from functools import cache

import sheaf
from sheaf.urls import Url

_HOME = "home"
_HEXADECIMAL = frozenset("0123456789abcdef")
_MAX_LICENCE = 300
_KEY_LENGTH = 20
_LOOPBACK = ("localhost", "127.0.0.1", "::1")
_LEVELS = ("debug", "info", "warning", "error", "critical")
_YES_AND_NO = ("false", "true", "0", "1", "no", "yes", "n", "y", "off", "on", "f", "t")


class SettingsError(ValueError):
    """An environment variable is missing or has a value that cannot be used."""

    def __init__(self, variable: str, problem: str) -> None:
        super().__init__(f"{variable} {problem}")
        self.variable = variable


class Settings:
    """What a function needs to know about the world around it. Nothing changes it once read."""

    def __init__(self, environ: Mapping[str, str]) -> None:
        """Read environment variables; raises SettingsError that names the variable."""
        self.auth = _one_of(environ, "SHEAF_AUTH", ("password", "iam"))
        needed = _required if self.auth == "iam" else _optional
        self.database_urls = _urls(environ, "SHEAF_DATABASE_URLS", ("postgresql",))
        self.cache_url = _urls(environ, "SHEAF_CACHE_URL", ("redis", "rediss"))[0]
        self.cache_cluster = _flag(environ, "SHEAF_CACHE_CLUSTER")
        self.cache_name = needed(environ, "SHEAF_CACHE_NAME")
        locks_url = _locks_url(environ)
        self.locks_url = locks_url or self.cache_url
        self.locks_cluster = (
            _flag(environ, "SHEAF_LOCKS_CLUSTER") if locks_url else self.cache_cluster
        )
        self.region = needed(environ, "AWS_REGION")
        self.build = _count(environ, "SHEAF_BUILD", sheaf.BUILD)
        self.site_name = environ.get("SHEAF_SITE_NAME", "Sheaf")
        self.site_url = _site_url(environ)
        self.accent = _accent(environ)
        self.lang = _lang(environ)
        self.licence, self.licence_url = _licence(environ)
        self.start_page = _slug(environ, "SHEAF_START_PAGE") or _HOME
        self.menu = _slug(environ, "SHEAF_MENU")
        self.footer = _slug(environ, "SHEAF_FOOTER")
        self.indexed = _one_of(environ, "SHEAF_INDEXED", ("true", "false")) == "true"
        self.sign_in_url = _optional(environ, "SHEAF_SIGN_IN_URL")
        self.token_url = _optional(environ, "SHEAF_TOKEN_URL")
        self.sign_out_url = _optional(environ, "SHEAF_SIGN_OUT_URL")
        self.client_id = environ.get("SHEAF_CLIENT_ID", "sheaf")
        self.role_claim = environ.get("SHEAF_ROLE_CLAIM", "cognito:groups")
        self.handle_claim = environ.get("SHEAF_HANDLE_CLAIM", "username")
        self.origin_keys = _origin_keys(environ)
        # Powertools reads these itself, and stops at others wherever it is in use first.
        _check_word(environ, "POWERTOOLS_LOG_LEVEL", _LEVELS)
        _check_word(environ, "POWERTOOLS_METRICS_DISABLED", _YES_AND_NO)
        _check_word(environ, "POWERTOOLS_TRACE_DISABLED", _YES_AND_NO)


@cache
def current() -> Settings:
    """The settings of this process, read at the first call."""
    return Settings(os.environ)


@cache
def start_page() -> str:
    """The slug of the page at `/`, read at the first call; programs have no other settings."""
    return _slug(os.environ, "SHEAF_START_PAGE") or _HOME


def migrate_function() -> str:
    """The name of the function that migrates; for a release, which has it called."""
    return _required(os.environ, "SHEAF_MIGRATE_FUNCTION")


def static_bucket() -> str:
    """The name of the S3 bucket of the static files; for a release, which fills it."""
    return _required(os.environ, "SHEAF_STATIC_BUCKET")


def distribution() -> str:
    """The id of the CloudFront distribution; for the function that purges it."""
    return _required(os.environ, "SHEAF_DISTRIBUTION")


def _required(environ: Mapping[str, str], variable: str) -> str:
    value = environ.get(variable, "").strip()
    if not value:
        raise SettingsError(variable, "is not set")
    return value


def _optional(environ: Mapping[str, str], variable: str) -> str:
    return environ.get(variable, "").strip()


def _one_of(environ: Mapping[str, str], variable: str, choices: tuple[str, ...]) -> str:
    value = environ.get(variable, choices[0])
    if value not in choices:
        raise SettingsError(variable, f"must be one of {', '.join(choices)}, not {value[:20]!r}")
    return value


def _flag(environ: Mapping[str, str], variable: str) -> bool:
    return _one_of(environ, variable, ("false", "true")) == "true"


def _check_word(environ: Mapping[str, str], variable: str, words: tuple[str, ...]) -> None:
    value = environ.get(variable)
    if value and value.lower() not in words:
        raise SettingsError(variable, f"must be one of {', '.join(words)}, not {value[:20]!r}")


def _count(environ: Mapping[str, str], variable: str, default: int) -> int:
    value = environ.get(variable) or str(default)
    if not (value.isascii() and value.isdecimal() and len(value) <= 15):
        raise SettingsError(variable, f"must be a whole number, not {value[:20]!r}")
    return int(value)


def _origin_keys(environ: Mapping[str, str]) -> tuple[str, ...]:
    value = _optional(environ, "SHEAF_ORIGIN_KEYS")
    keys = tuple(key.strip() for key in value.split(",")) if value else ()
    if not all(key.isascii() and key.isalnum() and len(key) >= _KEY_LENGTH for key in keys):
        problem = f"must hold keys of {_KEY_LENGTH} or more letters and digits"
        raise SettingsError("SHEAF_ORIGIN_KEYS", problem)
    return keys


def _locks_url(environ: Mapping[str, str]) -> str:
    # ZooKeeper's address has commas of its own.
    url = _optional(environ, "SHEAF_LOCKS")
    if url:
        _check_url("SHEAF_LOCKS", url, ("redis", "rediss", "zookeeper"))
    return url


def _site_url(environ: Mapping[str, str]) -> str:
    url = _optional(environ, "SHEAF_SITE_URL").removesuffix("/")
    if url and not _is_site_url(url):
        problem = "must be https:// and a host, or http:// on this machine, with no path behind it"
        raise SettingsError("SHEAF_SITE_URL", problem)
    return url


def _is_site_url(url: str) -> bool:
    try:
        parts = Url(url)
        host, port = parts.host, parts.port
    except ValueError:
        return False
    is_safe = parts.scheme == "https" or (parts.scheme == "http" and host in _LOOPBACK)
    is_plain = url == f"{parts.scheme}://{parts.authority}" and url.isascii()
    has_host = host and port != 0 and all(c.isalnum() or c in ".-:[]" for c in parts.authority)
    return bool(is_safe and is_plain and has_host)


def _accent(environ: Mapping[str, str]) -> str:
    colour = _optional(environ, "SHEAF_ACCENT").lower()
    is_colour = colour[:1] == "#" and len(colour) == 7 and _HEXADECIMAL.issuperset(colour[1:])
    if colour and not is_colour:
        raise SettingsError("SHEAF_ACCENT", "must be a colour such as #1f5fa8")
    return colour


def _lang(environ: Mapping[str, str]) -> str:
    written = _optional(environ, "SHEAF_LANG")
    if not written:
        return ""
    from sheaf import texts  # noqa: PLC0415 - most sites need none of it

    tag = texts.language(written)
    if not tag:
        raise SettingsError("SHEAF_LANG", "must be a language tag such as en or pt-BR")
    return tag


def _licence(environ: Mapping[str, str]) -> tuple[str, str]:
    """A licence's name and its address: "" if there is none."""
    line = _optional(environ, "SHEAF_LICENCE")
    if not line.isprintable() or len(line) > _MAX_LICENCE:
        problem = f"must be a line of at most {_MAX_LICENCE} characters"
        raise SettingsError("SHEAF_LICENCE", problem)
    *words, last = line.split(" ")
    if "://" not in line:
        return line, ""
    if not _is_https(last) or "://" in " ".join(words) or not any(words):
        problem = "must be a name and, if it has an address, https://… behind that"
        raise SettingsError("SHEAF_LICENCE", problem)
    return " ".join(words).strip(), last


def _is_https(url: str) -> bool:
    try:
        parts = Url(url)
    except ValueError:
        return False
    return parts.scheme == "https" and bool(parts.host)


def _slug(environ: Mapping[str, str], variable: str) -> str:
    written = _optional(environ, variable)
    if not written:
        return ""
    from sheaf import slugs  # noqa: PLC0415 - most sites need none of it

    try:
        return slugs.parse(written)
    except slugs.BadSlug as error:
        raise SettingsError(variable, f"must be the name of a page. {error}") from None


def _urls(environ: Mapping[str, str], variable: str, schemes: tuple[str, ...]) -> tuple[str, ...]:
    urls = tuple(url.strip() for url in _required(environ, variable).split(","))
    for url in urls:
        _check_url(variable, url, schemes)
    return urls


def _check_url(variable: str, url: str, schemes: tuple[str, ...]) -> None:
    try:
        wrong = _wrong_with(Url(url), schemes)
    except ValueError as error:
        wrong = str(error)
    if wrong:
        # The URL itself may hold a password: it is not repeated.
        raise SettingsError(variable, f"must hold {' or '.join(schemes)}:// addresses: {wrong}")


def _wrong_with(url: Url, schemes: tuple[str, ...]) -> str:
    """What is wrong with the address of a server, "" if nothing is; raises ValueError as well."""
    if url.scheme not in schemes:
        return "it begins otherwise"
    if not url.host:
        return "it has no host"
    # ZooKeeper's has several hosts, each with a port.
    if url.scheme != "zookeeper" and url.port == 0:
        return "its port is 0"
    if url.scheme.startswith("redis") and not f"0{url.path.strip('/')}".isdecimal():
        return "what is behind its host and port is no number of a database"
    return ""
