"""S3 over HTTP: one bucket, of which no list is longer than a page."""

from urllib.parse import parse_qs, unquote, urlsplit
from xml.etree import ElementTree

from tests.servers.endpoint import Answer, Asked


class Bucket:
    """Files by their keys."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.files: dict[str, bytes] = {}

    def __call__(self, asked: Asked) -> Answer:
        """The answer to a call in AWS's protocol."""
        url = urlsplit(asked.path)
        bucket, _, key = unquote(url.path)[1:].partition("/")
        assert bucket == self.name
        if asked.method == "PUT":
            self.files[key] = asked.body
            return Answer()
        if asked.method == "POST":
            return self._delete(asked.body)
        return self._list(parse_qs(url.query)["prefix"][0])

    def _delete(self, document: bytes) -> Answer:
        for key in ElementTree.fromstring(document).findall("./{*}Object/{*}Key"):
            self.files.pop(str(key.text), None)
        return Answer(body=b"<DeleteResult/>")

    def _list(self, prefix: str) -> Answer:
        listing = ElementTree.Element("ListBucketResult")
        for name in self.files:
            if name.startswith(prefix):
                contents = ElementTree.SubElement(listing, "Contents")
                ElementTree.SubElement(contents, "Key").text = name
        return Answer(body=ElementTree.tostring(listing))
