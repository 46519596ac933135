import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf import slugs

GOOD = [
    "home",
    "guide/install",
    "a.b-c_d/1",
    "naïve",
    "部署/指南",
    "हिन्दी",
    "x" * 200,
    "Apis",
    "a/api",
]
BAD = {
    "": "empty segment",
    "/a": "empty segment",
    "a/": "empty segment",
    "a//b": "empty segment",
    "a/./b": "'.' or '..'",
    "..": "'.' or '..'",
    "x" * 201: "200 characters",
    "api": "reserved",
    "api/x": "reserved",
    "-/x": "reserved",
    "robots.txt": "reserved",
    "sitemap.xml": "reserved",
    "a b": "letters, digits",
    "a%20b": "letters, digits",
    "a\0": "letters, digits",
    "a\ud800": "letters, digits",
    "a\u202eb": "letters, digits",
    "a?b": "letters, digits",
    "a.md": ".md",
}


@pytest.mark.parametrize("slug", GOOD)
def test_good_slugs_stay_as_they_are(slug: str) -> None:
    assert slugs.parse(slug) == slug


@pytest.mark.parametrize(("slug", "rule"), BAD.items())
def test_bad_slugs_are_refused_with_the_rule(slug: str, rule: str) -> None:
    with pytest.raises(slugs.BadSlug, match=rule):
        slugs.parse(slug)


def test_two_spellings_of_one_name_are_one_slug() -> None:
    assert slugs.parse("nai\u0308ve") == "na\u00efve"
    assert slugs.parse_quoted("na%C3%AFve/%E9%83%A8") == "na\u00efve/部"


@pytest.mark.parametrize("folder", [*GOOD, "robots.txt", "a.md", "guide/a.md"])
def test_what_is_below_a_name_is_in_a_folder(folder: str) -> None:
    assert slugs.parse_quoted_folder(quote(folder)) == folder


@pytest.mark.parametrize(
    "folder", sorted(BAD.keys() - {"robots.txt", "sitemap.xml", "a.md", "a%20b"})
)
def test_bad_folders_are_refused(folder: str) -> None:
    with pytest.raises(slugs.BadSlug, match=BAD[folder]):
        slugs.parse_quoted_folder(folder)


@given(st.text())
def test_whatever_is_accepted_is_accepted_again(raw: str) -> None:
    try:
        slug = slugs.parse(raw)
    except slugs.BadSlug:
        return
    assert slugs.parse(slug) == slug == unicodedata.normalize("NFC", raw)
    assert slug.encode()
    assert "\0" not in slug
