import re
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import make_url

import sheaf
from sheaf import settings as module
from sheaf import slugs
from sheaf.settings import Settings, SettingsError

MANUAL = Path(__file__).parents[3] / "docs/settings.md"
ENOUGH = {
    "SHEAF_DATABASE_URLS": "postgresql://u:secret@h:5432/d, postgresql://u:p@h2/d",
    "SHEAF_CACHE_URL": "rediss://h:6379/0",
}

OF_ITS_OWN = (
    *("SHEAF_ACCENT", "SHEAF_LANG", "SHEAF_LICENCE"),
    *("SHEAF_START_PAGE", "SHEAF_MENU", "SHEAF_FOOTER"),
)


def test_defaults() -> None:
    settings = Settings(ENOUGH)
    assert settings.database_urls == ("postgresql://u:secret@h:5432/d", "postgresql://u:p@h2/d")
    assert (settings.auth, settings.site_name, settings.client_id) == ("password", "Sheaf", "sheaf")
    assert settings.cache_cluster is False


def test_locks_are_kept_in_the_cache_unless_something_else_is_said() -> None:
    cluster = {**ENOUGH, "SHEAF_CACHE_CLUSTER": "true"}
    default = Settings(cluster)
    assert (default.locks_url, default.locks_cluster) == (default.cache_url, True)
    ensemble = "zookeeper://h1:2181,h2:2181,h3:2181/sheaf"
    other = Settings({**cluster, "SHEAF_LOCKS": ensemble})
    assert (other.locks_url, other.locks_cluster) == (ensemble, False)


@pytest.mark.parametrize(("more", "build"), [({}, 17), ({"SHEAF_BUILD": "5"}, 5)])
def test_the_layer_has_a_number_and_a_setting_has_the_last_word(
    monkeypatch: pytest.MonkeyPatch, more: dict[str, str], build: int
) -> None:
    monkeypatch.setattr(sheaf, "BUILD", 17)
    assert Settings({**ENOUGH, **more}).build == build


@pytest.mark.parametrize(
    ("changes", "variable"),
    [
        ({"SHEAF_DATABASE_URLS": ""}, "SHEAF_DATABASE_URLS"),
        ({"SHEAF_DATABASE_URLS": "mysql://u:secret@h/d"}, "SHEAF_DATABASE_URLS"),
        ({"SHEAF_DATABASE_URLS": "postgresql://u:secret@h/d,"}, "SHEAF_DATABASE_URLS"),
        ({"SHEAF_CACHE_URL": "h:6379"}, "SHEAF_CACHE_URL"),
        ({"SHEAF_CACHE_URL": "redis://:6379/0"}, "SHEAF_CACHE_URL"),
        ({"SHEAF_CACHE_URL": "redis://h:0"}, "SHEAF_CACHE_URL"),
        ({"SHEAF_CACHE_URL": "redis://h:65536"}, "SHEAF_CACHE_URL"),
        ({"SHEAF_CACHE_URL": "redis://h/secret"}, "SHEAF_CACHE_URL"),
        ({"SHEAF_CACHE_URL": "redis://:p@secret/a@h:6379/0"}, "SHEAF_CACHE_URL"),
        ({"SHEAF_CACHE_URL": "redis://:[secret]@h"}, "SHEAF_CACHE_URL"),
        ({"SHEAF_CACHE_URL": "redis://:sécret℀@h"}, "SHEAF_CACHE_URL"),
        ({"SHEAF_AUTH": "none"}, "SHEAF_AUTH"),
        ({"SHEAF_CACHE_CLUSTER": "yes"}, "SHEAF_CACHE_CLUSTER"),
        ({"SHEAF_LOCKS": "etcd://secret@h"}, "SHEAF_LOCKS"),
        ({"SHEAF_LOCKS": "zookeeper:secret"}, "SHEAF_LOCKS"),
        ({"SHEAF_LOCKS": "redis://h", "SHEAF_LOCKS_CLUSTER": "1"}, "SHEAF_LOCKS_CLUSTER"),
        ({"SHEAF_ORIGIN_KEYS": "secret"}, "SHEAF_ORIGIN_KEYS"),
        ({"SHEAF_ORIGIN_KEYS": "secret" * 4 + ","}, "SHEAF_ORIGIN_KEYS"),
        ({"SHEAF_ORIGIN_KEYS": "secret-" * 4}, "SHEAF_ORIGIN_KEYS"),
        ({"SHEAF_ORIGIN_KEYS": "sécret" * 4}, "SHEAF_ORIGIN_KEYS"),
        ({"SHEAF_SITE_URL": "wiki.example.org"}, "SHEAF_SITE_URL"),
        ({"SHEAF_SITE_URL": "http://wiki.example.org"}, "SHEAF_SITE_URL"),
        ({"SHEAF_SITE_URL": "https://wiki.example.org/wiki"}, "SHEAF_SITE_URL"),
        ({"SHEAF_SITE_URL": "https://wiki.example.org?a=secret"}, "SHEAF_SITE_URL"),
        ({"SHEAF_SITE_URL": "https://u:secret@wiki.example.org"}, "SHEAF_SITE_URL"),
        ({"SHEAF_SITE_URL": "https://wiki.example.org:port"}, "SHEAF_SITE_URL"),
        ({"SHEAF_SITE_URL": "https://wïki.example.org"}, "SHEAF_SITE_URL"),
        ({"SHEAF_SITE_URL": "https://a b"}, "SHEAF_SITE_URL"),
        ({"SHEAF_SITE_URL": "https://"}, "SHEAF_SITE_URL"),
        ({"SHEAF_ACCENT": "brown"}, "SHEAF_ACCENT"),
        ({"SHEAF_ACCENT": "#12345"}, "SHEAF_ACCENT"),
        ({"SHEAF_ACCENT": "#1234567"}, "SHEAF_ACCENT"),
        ({"SHEAF_LANG": "English, secret"}, "SHEAF_LANG"),
        ({"SHEAF_LANG": "secret"}, "SHEAF_LANG"),
        ({"SHEAF_LANG": "jp"}, "SHEAF_LANG"),
        ({"SHEAF_LICENCE": "CC\nsecret"}, "SHEAF_LICENCE"),
        ({"SHEAF_LICENCE": "secret" * 60}, "SHEAF_LICENCE"),
        ({"SHEAF_LICENCE": "https://example.org/secret"}, "SHEAF_LICENCE"),
        ({"SHEAF_LICENCE": "CC http://example.org/secret"}, "SHEAF_LICENCE"),
        ({"SHEAF_LICENCE": "CC https://example.org/secret 4.0"}, "SHEAF_LICENCE"),
        ({"SHEAF_LICENCE": "CC https://a https://secret"}, "SHEAF_LICENCE"),
        ({"SHEAF_LICENCE": "CC https://["}, "SHEAF_LICENCE"),
        ({"SHEAF_START_PAGE": "/secret"}, "SHEAF_START_PAGE"),
        ({"SHEAF_START_PAGE": "api/x"}, "SHEAF_START_PAGE"),
        ({"SHEAF_MENU": "a b"}, "SHEAF_MENU"),
        ({"SHEAF_FOOTER": "notes.md"}, "SHEAF_FOOTER"),
        ({"SHEAF_INDEXED": "no"}, "SHEAF_INDEXED"),
        ({"SHEAF_AUTH": "iam"}, "SHEAF_CACHE_NAME"),
        ({"SHEAF_AUTH": "iam", "SHEAF_CACHE_NAME": "c"}, "AWS_REGION"),
    ],
)
def test_an_error_names_the_variable_and_no_secret(changes: dict[str, str], variable: str) -> None:
    with pytest.raises(SettingsError) as raised:
        Settings({**ENOUGH, **changes})
    assert raised.value.variable == variable
    assert variable in str(raised.value)
    assert "secret" not in str(raised.value)


def test_our_own_cdn_is_known_by_any_of_several_words() -> None:
    assert Settings(ENOUGH).origin_keys == ()
    keys = Settings({**ENOUGH, "SHEAF_ORIGIN_KEYS": f"{'new1' * 5}, {'old2' * 6}"}).origin_keys
    assert keys == ("new1" * 5, "old2" * 6)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("", ""),
        (" https://wiki.example.org ", "https://wiki.example.org"),
        ("https://wiki.example.org:8443/", "https://wiki.example.org:8443"),
        ("http://127.0.0.1:3000", "http://127.0.0.1:3000"),
        ("http://localhost", "http://localhost"),
        ("http://LOCALHOST", "http://LOCALHOST"),
        ("http://[::1]:3000/", "http://[::1]:3000"),
    ],
)
def test_the_site_has_one_address(given: str, expected: str) -> None:
    assert Settings({**ENOUGH, "SHEAF_SITE_URL": given}).site_url == expected


@pytest.mark.parametrize("path", ["", "/", "/0", "/15/"])
def test_a_cache_may_name_its_database(path: str) -> None:
    address = f"redis://h:6379{path}"
    assert Settings({**ENOUGH, "SHEAF_CACHE_URL": address}).cache_url == address


def test_a_site_says_nothing_of_itself_unless_it_is_told() -> None:
    site = Settings(ENOUGH | dict.fromkeys(OF_ITS_OWN, ""))
    assert (site.accent, site.lang, site.licence, site.licence_url) == ("", "", "", "")
    assert (site.start_page, site.menu, site.footer) == (slugs.HOME, "", "")
    assert site.indexed


def test_a_site_of_ones_own() -> None:
    values = ("#1F5Fa8", "pt_BR", "CC BY https://example.org/by", "guide/start", "menü", "end")
    given = dict(zip(OF_ITS_OWN, values, strict=True))
    site = Settings({**ENOUGH, **given, "SHEAF_INDEXED": "false"})
    assert (site.accent, site.lang) == ("#1f5fa8", "pt-BR")
    assert (site.licence, site.licence_url) == ("CC BY", "https://example.org/by")
    assert (site.start_page, site.menu, site.footer) == ("guide/start", "menü", "end")
    assert not site.indexed


def test_a_licence_needs_no_address() -> None:
    site = Settings({**ENOUGH, "SHEAF_LICENCE": " All rights reserved "})
    assert (site.licence, site.licence_url) == ("All rights reserved", "")


def test_the_start_page_is_known_without_other_settings(start_page: str) -> None:
    assert module.start_page() == start_page


@pytest.mark.parametrize(
    ("read", "variable"),
    [
        (module.migrate_function, "SHEAF_MIGRATE_FUNCTION"),
        (module.static_bucket, "SHEAF_STATIC_BUCKET"),
        (module.distribution, "SHEAF_DISTRIBUTION"),
    ],
)
def test_what_one_function_needs_is_asked_of_no_other(
    read: Callable[[], str], variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(variable, " name ")
    assert read() == "name"
    monkeypatch.delenv(variable)
    with pytest.raises(SettingsError, match=f"{variable} is not set"):
        read()


VARIABLES = sorted(
    set(re.findall(r"`((?:SHEAF|POWERTOOLS)_\w+)`", MANUAL.read_text())) | {"AWS_REGION"}
)
ADDRESSES = st.builds(
    "{}://{}{}{}{}".format,
    st.sampled_from(["postgresql", "redis", "rediss", "zookeeper", "mysql", ""]),
    st.sampled_from(["", "u:s3cret@", ":s3cret@", "u@"]),
    st.sampled_from(["h", "127.0.0.1", "[::1]", "[::1", "", "a,b", "ä"]),
    st.sampled_from(["", ":", ":1", ":port", ":0", ":70000", ":-1", ":\u0663"]),
    st.sampled_from(["", "/0", "/sheaf", "/a b", "?db=1", "?db=x", "#"]),
)
VALUES = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=30)
LISTS = st.lists(ADDRESSES, min_size=1, max_size=2).map(",".join)


@given(changes=st.dictionaries(st.sampled_from(VARIABLES), VALUES | LISTS, min_size=1, max_size=3))
def test_whatever_is_set_works_or_is_named_in_a_line(changes: dict[str, str]) -> None:
    found = settings_or_error(ENOUGH | changes)
    if isinstance(found, SettingsError):
        assert found.variable in {*changes, "AWS_REGION", "SHEAF_CACHE_NAME"}
        assert str(found).startswith(found.variable)
        assert "\n" not in str(found)
        assert not re.search("URL|LOCKS", found.variable) or "s3cret" not in str(found)
        return
    for url in found.database_urls:
        assert make_url(url).host
    assert urlsplit(found.cache_url).hostname


def settings_or_error(environ: dict[str, str]) -> Settings | SettingsError:
    try:
        return Settings(environ)
    except SettingsError as error:
        return error
