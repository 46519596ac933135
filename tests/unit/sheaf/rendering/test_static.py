import re

import pytest

from sheaf.hashing import content_tag
from sheaf.rendering import static

NAMES = ("api.js", "edit.css", "edit.js", "favicon.svg", "session.js", "sign-in.js", "style.css")


@pytest.mark.parametrize("name", NAMES)
def test_a_file_is_found_by_the_name_in_its_address(name: str) -> None:
    hashed_name = static.url(name).removeprefix("/-/static/")
    assert static.find(hashed_name) == static.read(name)


def test_every_file_is_there_once() -> None:
    files = static.everything()
    assert {static.read(name) for name in NAMES} <= set(files)
    assert len({file.path for file in files}) == len(files)
    assert all(static.find(file.hashed_name) == file for file in files)


@pytest.mark.parametrize("name", NAMES)
def test_the_name_carries_the_hash_of_what_is_served(name: str) -> None:
    file = static.read(name)
    stem, tag, suffix = file.hashed_name.split(".")
    assert (f"{stem}.{suffix}", tag) == (name, content_tag(file.body))


@pytest.mark.parametrize(
    "name",
    [
        "style.css",
        "style.0123456789abcdef0123.css",
        "",
        "../static.py",
        "..%2fstatic.py",
    ],
)
def test_no_other_name_finds_anything(name: str) -> None:
    assert static.find(name) is None


def test_modules_import_each_other_by_hashed_names() -> None:
    body = static.read("edit.js").body.decode()
    imported = re.findall(r'from "\./([^"]+)"', body)
    assert static.read("session.js").hashed_name in imported
    assert all(static.find(name) for name in imported)


def test_media_types() -> None:
    types = {name: static.read(name).media_type for name in NAMES}
    assert types["style.css"] == "text/css; charset=utf-8"
    assert types["edit.js"] == "text/javascript; charset=utf-8"
    assert types["favicon.svg"] == "image/svg+xml"


def test_an_unknown_file_has_no_address() -> None:
    with pytest.raises(FileNotFoundError):
        static.url("missing.css")
