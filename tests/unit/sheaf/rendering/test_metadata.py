"""What front matter says, as it is written for other programs."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from sheaf.rendering import metadata
from sheaf.rendering.front_matter import Data
from sheaf.rendering.metadata import Metadata, read
from sheaf.rendering.source import MAX_BYTES, SourceWarning, parse

JEKYLL = """---
layout: post
title:  "Welcome to Jekyll!"
date:   2015-11-17 16:16:01 -0600
last_modified_at: 2016-03-09T16:20:02-05:00
tags: jekyll update
author: jane
published: true
---
"""
HUGO = """+++
title = 'My First Post'
date = 2024-01-14T07:07:07+01:00
lastmod = 2024-02-01
draft = true
weight = 120
authors = ["Jane Doe", "Max"]
aliases = ["/posts/old/", "older"]
description = "All that\\nthere is"
tags = ["red", "green tea"]
[params]
  layout = "wide"
+++
"""
OBSIDIAN = """---
aliases: [Doggo, Woofer: the dog]
tags:
  - animals/dog
cssclasses: wide
---
"""
DOCUSAURUS = """---
id: greeting
sidebar_position: 2
keywords: [docs, a b]
authors:
  - name: Jane Doe
    title: Writer
  - max
  - {name: Jane Doe}
---
"""


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (
            JEKYLL,
            Metadata(
                title="Welcome to Jekyll!",
                tags=("jekyll", "update"),
                date="2015-11-17 16:16:01 -0600",
                updated="2016-03-09T16:20:02-05:00",
                authors=("jane",),
                unused=("layout",),
            ),
        ),
        (
            HUGO,
            Metadata(
                title="My First Post",
                tags=("red", "green tea"),
                date="2024-01-14T07:07:07+01:00",
                updated="2024-02-01",
                description="All that there is",
                authors=("Jane Doe", "Max"),
                aliases=("/posts/old/", "older"),
                is_draft=True,
                unused=("weight", "params"),
            ),
        ),
        (
            OBSIDIAN,
            Metadata(
                tags=("animals/dog",),
                aliases=("Doggo", "Woofer: the dog"),
                unused=("cssclasses",),
            ),
        ),
        (
            DOCUSAURUS,
            Metadata(
                tags=("docs", "a b"),
                authors=("Jane Doe", "max"),
                unused=("id", "sidebar_position"),
            ),
        ),
    ],
    ids=["Jekyll", "Hugo", "Obsidian", "Docusaurus"],
)
def test_of_other_programs(block: str, expected: Metadata) -> None:
    assert parse(block).metadata == expected


@pytest.mark.parametrize(
    ("written", "name", "expected"),
    [
        ("tags: a, green tea", "tags", ("a", "green tea")),
        ("tags: a  b a", "tags", ("a", "b")),
        ("keywords: green tea", "tags", ("green", "tea")),
        ("tags: [a]\nkeywords: [b]", "tags", ("a",)),
        ("tags: []\nkeywords: [b]", "tags", ()),
        ("tags: [a]\nkeywords: [b]", "unused", ("keywords",)),
        ("lang: de", "lang", "de"),
        ("lang: no", "lang", "no"),
        ("lang: pt_BR", "lang", "pt-BR"),
        ("lang: zh-Hans-CN", "lang", "zh-Hans-CN"),
        ("lang:", "lang", None),
        ("dir: RTL", "direction", "rtl"),
        ("dir: ltr", "direction", "ltr"),
        ("a: b", "direction", "auto"),
        ("draft: True", "is_draft", True),
        ("draft: yes", "is_draft", True),
        ("published: false", "is_draft", True),
        ("published: No", "is_draft", True),
        ("draft: false", "is_draft", False),
        ("draft:", "is_draft", False),
        ("published: true", "is_draft", False),
        ("description: >\n  one\n  two", "description", "one two"),
        ("date: 2024-01-02", "date", "2024-01-02"),
        ("updated: a\nlastmod: b", "updated", "a"),
        ("author: {name: Jane}", "authors", ("Jane",)),
        ("authors: Jane, and Max", "authors", ("Jane, and Max",)),
        ("aliases: one, Green tea", "aliases", ("one", "Green tea")),
        ("Title: T", "unused", ("Title",)),
        ('"a\\u200b\\nb": c\n"\\u202e": d', "unused", ("a\u200b b",)),
    ],
)
def test_one_key(written: str, name: str, expected: object) -> None:
    assert getattr(parse(f"---\n{written}\n---\n").metadata, name) == expected


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("title: [a]", "The title is no text, and is not used."),
        ("lang: [de]", "The language is no text, and is not used."),
        ("lang: german", "The language is no tag such as en or pt-BR, and is not used."),
        ("lang: jp", "The language is no tag such as en or pt-BR, and is not used."),
        ("lang: German!", "The language is no tag such as en or pt-BR, and is not used."),
        (f"lang: en{'-aaaaaaaa' * 4}", "The language is no tag such as en or pt-BR"),
        ("dir: up", "The direction is none of ltr, rtl and auto, and is not used."),
        ("description: {a: b}", "The description is no text, and is not used."),
        ("tags: {a: b}", "The tags are no list, and are not used."),
        ("keywords: [[a]]", "A keyword that is no text is left out."),
        ("aliases: [[a]]", "An alias that is no text is left out."),
        (f"aliases: [{','.join(map(str, range(21)))}]", "Only the first 20 aliases are used."),
        ("author: {email: a}", "An author without a name is left out."),
        ("draft: perhaps", "The key draft is neither true nor false, and is not used."),
        ("published: 2024-01-01", "The key published is neither true nor false"),
        ("draft: true", "Nothing is hidden: readers see the page, whatever draft says."),
        ("published: false", "Nothing is hidden: readers see the page, whatever published says."),
        ("date: [a]", "The date is no text, and is not used."),
    ],
)
def test_what_has_no_effect_is_told_with_its_line(written: str, reason: str) -> None:
    parsed = parse(f"---\na: b\n{written}\n---\ntext")
    (warning,) = parsed.warnings
    assert warning.line == 3
    assert warning.reason.startswith(reason)
    assert parsed.metadata.unused == ("a",)


def test_what_is_said_is_bounded() -> None:
    many = [f"{number}{'x' * 2000}" for number in range(100)]
    long = "x" * 2000
    data: dict[str, Data] = dict.fromkeys(("title", "description", "date", "updated"), long)
    data |= {"tags": [*many], "authors": [*many], "aliases": [*many], long: ""}
    said, _ = read(data)
    assert len(said.title or "") == metadata.MAX_TITLE
    assert len(said.description) == metadata.MAX_DESCRIPTION
    assert {len(said.date), len(said.updated)} == {metadata.MAX_DATE}
    assert (len(said.tags), len(said.tags[0])) == (metadata.MAX_TAGS, metadata.MAX_TAG)
    assert (len(said.authors), len(said.authors[0])) == (metadata.MAX_AUTHORS, metadata.MAX_AUTHOR)
    assert (len(said.aliases), len(said.aliases[0])) == (metadata.MAX_ALIASES, metadata.MAX_ALIAS)
    assert len(said.unused[0]) == 100


ALL = "---\ntitle:\ntags:\nlang:\ndir:\ndescription:\ndraft:\npublished:\ndate:\naliases:\n---\n"
KEYS = [*parse(ALL).data, *metadata._UPDATED, *metadata._AUTHORS, "keywords", "weight"]
TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=20) | st.sampled_from(
    ["true", "no", "rtl", "de", "a, b", "\ud800", "/", ".."]
)
VALUES: st.SearchStrategy[Any] = st.recursive(
    TEXTS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(TEXTS | st.just("name"), inner, max_size=2)
    ),
    max_leaves=6,
)


@given(st.dictionaries(st.sampled_from(KEYS) | TEXTS, VALUES, max_size=8))
def test_nothing_but_metadata_and_faults_comes_of_any(data: dict[str, Data]) -> None:
    said, faults = read(data)
    assert {fault.key for fault in faults} <= data.keys()
    assert said.direction in ("ltr", "rtl", "auto")
    lines = [said.description, said.date, said.updated, said.lang or "", said.title or ""]
    for each in (*lines, *said.tags, *said.authors, *said.aliases, *said.unused):
        assert "\n" not in each
        each.encode()


@given(st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=8))
def test_whatever_is_said_the_text_is_the_same(data: dict[str, Data]) -> None:
    block = f"---\n{yaml.safe_dump(data)}---\n"
    parsed = parse(f"{block}text")
    assert len(block) > MAX_BYTES or parsed.text in ("text", f"{block}text")
    assert all(isinstance(warning, SourceWarning) for warning in parsed.warnings)
