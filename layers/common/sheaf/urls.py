"""URLs: the addresses of servers and sites, taken apart.

`urllib.parse` does that, too, but loads `ipaddress`: the two took a fifth of what is imported for a
cached page. So they are left to addresses that have what is rare.
"""

_MOST_PORTS = 65535


class Url:
    """scheme://[user[:password]@]host[:port][/path][?query][#fragment], or a part of that.

    Scheme and host are in lower case, the rest is as it is written, and "" what is not there.
    """

    __slots__ = ("_port", "authority", "host", "password", "path", "query", "scheme", "user")

    def __init__(self, text: str) -> None:
        """Take it apart; raises ValueError if that cannot be done."""
        if not text.isprintable():
            raise ValueError("a URL has no tabs or line breaks")
        if not _is_plain(text):
            _check(text)
        scheme, _, rest = text.partition("://")
        self.scheme = scheme.lower()
        rest, _, _ = rest.partition("#")
        rest, _, self.query = rest.partition("?")
        self.authority, slash, path = rest.partition("/")
        self.path = slash + path
        account, _, place = self.authority.rpartition("@")
        self.user, _, self.password = account.partition(":")
        host, self._port = _taken_apart(place)
        name, percent, zone = host.partition("%")
        self.host = name.lower() + percent + zone

    @property
    def port(self) -> int | None:
        """The port, None if it names none; raises ValueError for what is no port."""
        if not self._port:
            return None
        if not (self._port.isdecimal() and self._port.isascii() and len(self._port) <= 5):
            raise ValueError("a port is a number")
        if int(self._port) > _MOST_PORTS:
            raise ValueError(f"a port is at most {_MOST_PORTS}")
        return int(self._port)


def _check(text: str) -> None:
    """Refuse what `urllib.parse` does; its message might repeat a password."""
    from urllib.parse import urlsplit  # noqa: PLC0415 - see above

    try:
        urlsplit(text)
    except ValueError:
        raise ValueError("a URL has no such brackets or letters") from None


def _is_plain(text: str) -> bool:
    return text.isascii() and "[" not in text and "]" not in text


def _taken_apart(place: str) -> tuple[str, str]:
    """Host and port; the host may be an address of IPv6 in brackets."""
    if place.startswith("["):
        host, _, rest = place[1:].partition("]")
        return host, rest.removeprefix(":")
    host, _, port = place.partition(":")
    return host, port


def unquoted(text: str) -> str:
    """A part of a URL with its percent-encoded bytes decoded, as UTF-8."""
    if "%" not in text:
        return text
    from urllib.parse import unquote  # noqa: PLC0415 - see above

    return unquote(text)
