"""What a text says of itself reaches its readers, wherever it is shown, and hides nothing."""

import re

import pytest

from tests.site import Site

TEXT = """---
title: שלום
lang: he
dir: rtl
description: A "greeting"
author: [Ada, Max]
date: 2024-01-02
updated: 2024-02-03
weight: 3
---
טקסט
"""
ARTICLE = re.compile("<article [^>]*>")
SAYS = "The text says of itself: written by Ada, Max, dated 2024-01-02, updated 2024-02-03"


def article(site: Site, address: str) -> str:
    [found] = ARTICLE.findall(site.get(address).text)
    return str(found)


def preview(site: Site, body: str) -> tuple[object, object]:
    seen = site.post("/api/previews", {"body": body}).json
    return seen["lang"], seen["dir"]


@pytest.mark.parametrize("address", ["/greeting", "/-/history/greeting?version=1"])
def test_language_and_direction_are_those_of_the_article(site: Site, address: str) -> None:
    site.create("greeting", TEXT)
    assert article(site, address) == '<article class="prose" lang="he" dir="rtl">'
    shown = site.get(address).text
    assert '<html lang="en">' in shown
    assert SAYS in re.sub("<[^>]*>", "", shown)


@pytest.mark.parametrize("address", ["/plain", "/-/history/plain?version=1"])
def test_where_nothing_is_said_browsers_find_the_direction(site: Site, address: str) -> None:
    site.create("plain", "שלום\n")
    assert article(site, address) == '<article class="prose" dir="auto">'
    assert "says of itself" not in site.get(address).text


def test_a_preview_says_both(site: Site) -> None:
    assert preview(site, TEXT) == ("he", "rtl")
    assert preview(site, "text") == (None, "auto")


def test_a_description_is_for_those_who_show_links(site: Site) -> None:
    site.create("greeting", TEXT)
    assert '<meta name="description" content="A &#34;greeting&#34;">' in site.get("/greeting").text
    site.create("plain", "text")
    assert '<meta name="description" content="text">' in site.get("/plain").text


@pytest.mark.parametrize("key", ["draft: true", "published: false"])
def test_a_save_of_a_draft_says_that_nothing_is_hidden(site: Site, key: str) -> None:
    body = f"---\n{key}\n---\ntext"
    [warning] = site.create("plan", body).json["warnings"]
    assert warning["line"] == 2
    assert warning["reason"].startswith("Nothing is hidden")
    assert site.get("/plan").status_code == 200
    assert site.post("/api/previews", {"body": body}).json["warnings"] == [warning]
    assert not site.update("plan", "text", 1).json["warnings"]


def test_a_save_says_what_has_no_effect_and_is_done(site: Site) -> None:
    saved = site.create("tea", "---\nlang: [de]\ndir: up\nweight: 3\n---\n").json
    assert [each["line"] for each in saved["warnings"]] == [2, 3]
    assert article(site, "/tea") == '<article class="prose" dir="auto">'
