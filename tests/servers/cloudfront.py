"""CloudFront over HTTP: what it was told to forget."""

from typing import NamedTuple
from xml.etree import ElementTree

from tests.servers.endpoint import Answer, Asked


class Invalidation(NamedTuple):
    """What one call says; CloudFront does the same reference a second time once."""

    distribution: str
    reference: str
    paths: list[str]


class CloudFront:
    """Takes every invalidation."""

    def __init__(self) -> None:
        self.invalidations: list[Invalidation] = []

    def __call__(self, asked: Asked) -> Answer:
        """The answer to a call in AWS's protocol."""
        _version, kind, distribution, call = asked.path[1:].split("/")
        assert (kind, call) == ("distribution", "invalidation")
        batch = ElementTree.fromstring(asked.body)
        paths = [str(path.text) for path in batch.findall("./{*}Paths/{*}Items/{*}Path")]
        reference = batch.findtext("./{*}CallerReference", "")
        self.invalidations.append(Invalidation(distribution, reference, paths))
        return Answer(201, b"<Invalidation><Id>I2J0I21PCUYOIK</Id></Invalidation>")
