"""Content encodings: which one a client wants, and bytes into it and out of it.

Compressors are imported when something is compressed: most processes send what others have
compressed.
"""

from collections import OrderedDict
from functools import lru_cache

# The smallest first: it is chosen among those that a client wants equally.
_OFFERED = ("br", "gzip", "identity")
# Brotli's usual window, and the one in which all that fits into it is packed as small, in less
# memory and two thirds of the time: as powers of two.
_WINDOW, _SMALL_WINDOW = 22, 16


@lru_cache(maxsize=256)
def choose(accept_encoding: str) -> str:
    """What to answer to this Accept-Encoding (RFC 9110, 12.5.3): br, gzip or identity.

    Identity also when nothing is acceptable: a page that can be read beats a refusal.
    """
    weights = dict(map(_weighted, accept_encoding.split(",")))
    others = weights.get("*", 0)
    offered = {encoding: weights.get(encoding, others) for encoding in _OFFERED}
    best = max(offered, key=offered.__getitem__)
    return best if offered[best] else "identity"


def compress(data: bytes, encoding: str, quality: int) -> bytes:
    """Encode; `quality` is brotli's, 0 to 11. The same data always gives the same bytes."""
    if encoding == "br":
        import brotli  # noqa: PLC0415

        window = _SMALL_WINDOW if len(data) <= 1 << _SMALL_WINDOW else _WINDOW
        return bytes(brotli.compress(data, quality=quality, lgwin=window))
    if encoding == "gzip":
        import zlib  # noqa: PLC0415

        return zlib.compress(data, level=6, wbits=31)  # 31: in gzip's format, without a time
    return data


def decompress(data: bytes, encoding: str) -> bytes:
    """What was encoded. Raises the compressor's own error if the data is damaged."""
    if encoding == "br":
        import brotli  # noqa: PLC0415

        return bytes(brotli.decompress(data))
    if encoding == "gzip":
        import zlib  # noqa: PLC0415

        return zlib.decompress(data, wbits=31)
    return data


class Recoder:
    """Brotli's bytes in other encodings, for those who take no brotli.

    It remembers what it has made, the longest unused of which goes when there is more than `limit`
    characters of it: else each such reader would cost three times as much as the others.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._size = 0
        self._made: OrderedDict[tuple[bytes, str], str] = OrderedDict()

    def recode(self, body: bytes, encoding: str) -> str:
        """What brotli has packed, in base64, as gzip packs it, in base64, or as text (identity)."""
        known = self._made.get((body, encoding))
        if known is not None:
            self._made.move_to_end((body, encoding))
            return known
        from base64 import b64decode, b64encode  # noqa: PLC0415 - as the compressors

        data = decompress(b64decode(body), "br")
        if encoding != "identity":
            data = b64encode(compress(data, encoding, 0))
        made = data.decode()
        self._remember((body, encoding), made)
        return made

    def _remember(self, key: tuple[bytes, str], made: str) -> None:
        size = len(key[0]) + len(made)
        if size > self.limit // 8:  # in whose place many others can stay
            return
        self._made[key] = made
        self._size += size
        while self._size > self.limit:
            (body, _), oldest = self._made.popitem(last=False)
            self._size -= len(body) + len(oldest)


def _weighted(item: str) -> tuple[str, int]:
    """A coding and its weight in thousandths: `gzip;q=0.5` is ("gzip", 500)."""
    coding, semicolon, weight = item.partition(";")
    name = coding.strip().lower()
    if name == "x-gzip":
        name = "gzip"
    return name, thousandths(weight.strip().lower()) if semicolon else 1000


def thousandths(weight: str) -> int:
    """What a weight such as `q=0.5` weighs, in thousandths; 0 for what is none."""
    name, _, value = weight.partition("=")
    whole, _, fraction = value.partition(".")
    if name != "q" or whole not in ("0", "1") or len(fraction) > 3 or fraction.strip("0123456789"):
        return 0
    found = int(whole + fraction.ljust(3, "0"))
    return found if found <= 1000 else 0
