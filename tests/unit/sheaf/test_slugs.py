import contextlib
import re
import time
import unicodedata
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf import slugs, texts

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
    "می\u200cخواهم",  # a non-joiner where letters would join,
    "لا\u064bب\u064b\u200c\u064eا",  # whatever marks are between them,
    "ශ්\u200dරී",  # joiners behind a virama
    "क्\u200cष/क्\u200dष",
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
    "ab\u200cc": "joiners where letters take them",
    "a\u200db": "joiners where letters take them",
    "ا\u200cب": "joiners where letters take them",  # alef does not join what is after it
    "ب\u200c": "joiners where letters take them",
    "\u200cب": "joiners where letters take them",
    "ب\u200c/ب": "joiners where letters take them",
    "ب\u200dب": "joiners where letters take them",
    "ب\u200c\u200cب": "joiners where letters take them",
    "home\u200b": "letters, digits",
    "e\u0301" * 500: "200 characters",
}
INVISIBLE = ["\u3164", "\uffa0", "\u115f", "\u1160", "\u034f", "\ufe00", "\ufe0f", "\U000e0100"]
INVISIBLE += ["\u17b4", "\u17b5", "\u180b", "\u180d", "\u180f", "\U000e01ef"]


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


PIECES = [
    *"aé-_./%",
    "e\u0301",
    "\u1100\u1161",
    "名",
    "ب",
    "ا",
    "\u064b",
    "ක්",
    "ර",
    "\u200c",
    "\u200d",
]
TEXT = st.lists(st.sampled_from(PIECES + INVISIBLE) | st.characters(), max_size=20).map("".join)


@pytest.mark.parametrize("letter", INVISIBLE)
def test_no_new_page_has_letters_that_nobody_sees(letter: str) -> None:
    """Pages that have them stay where they are."""
    slug = slugs.parse(f"home{letter}")
    with pytest.raises(slugs.BadSlug, match="invisible letters"):
        slugs.check_new(slug)


def test_no_new_page_has_a_name_that_was_reserved_later() -> None:
    slug = slugs.parse("llms.txt")
    with pytest.raises(slugs.Reserved, match="reserved"):
        slugs.check_new(slug)
    assert slugs.from_title("llms.txt") == slugs.from_path("llms.txt") == "llms.txt-page"
    slugs.check_new("notes/llms.txt")


@pytest.mark.parametrize("slug", GOOD)
def test_all_others_may_have_pages(slug: str) -> None:
    slugs.check_new(slug)


@pytest.mark.parametrize("letter", ["\U0001e4d0", "\U00031350", "\U0002ebf0"])  # of 15.0 and 15.1
def test_newer_letters_are_not_in_new_names_whatever_the_interpreter_knows(letter: str) -> None:
    with pytest.raises(slugs.BadSlug, match="Unicode"):
        slugs.check_new(f"a{letter}")


@given(TEXT)
def test_what_a_new_page_is_called_is_the_same_everywhere(raw: str) -> None:
    try:
        slug = slugs.parse(raw)
        slugs.check_new(slug)
    except slugs.BadSlug:
        return
    assert slugs.parse_quoted(quote(slug)) == slugs.parse_quoted(quote(raw)) == slug
    assert unicodedata.is_normalized("NFC", slug)
    assert texts.line(slug) == slug
    assert not re.search(f"[{texts.INVISIBLE}]", re.sub("[\u200c\u200d]", "", slug))


@pytest.mark.parametrize(
    ("heading", "anchor"),
    [
        ("What's new? Naïve `Tea_pots`", "whats-new-naïve-tea_pots"),
        ("C & D", "c--d"),
        ("1.2 – Ünïcode", "12--ünïcode"),
        ("nai\u0308ve", "naïve"),
        ("हिन्दी में", "हिन्दी-में"),
        ("ไทยที่นี่", "ไทยที่นี่"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\u200db ❤\ufe0f", "ab-"),
        ("two\nlines\u00a0more", "two-lines-more"),
        ("🎉", "section"),
        ("+++", "section"),
        ("", "section"),
    ],
)
def test_anchors(heading: str, anchor: str) -> None:
    assert slugs.anchor(heading) == anchor


@given(TEXT)
def test_an_anchor_is_one_for_good(heading: str) -> None:
    anchor = slugs.anchor(heading)
    assert anchor
    assert slugs.anchor(anchor) == anchor
    assert slugs.anchor(unicodedata.normalize("NFD", heading)) == anchor
    assert not re.search(r"[\s\"'<>&#?%]", anchor)


@given(st.text(st.characters(categories=["L", "N"], max_codepoint=0xFFFF)))
def test_every_letter_and_digit_stays_in_an_anchor(heading: str) -> None:
    whole = texts.composed(heading.lower())
    seen = re.sub(f"[{texts.INVISIBLE}]", "", whole)
    assert slugs.anchor(heading) == (seen or "section")


@pytest.mark.parametrize("part", ["\u0301\u0316", "\u064b\u200c", "ب\u064b", "# ", "\u200c", "a"])
def test_an_anchor_takes_no_time_that_grows_faster_than_its_heading(part: str) -> None:
    begun = time.process_time()
    slugs.anchor("ب" + part * (400_000 // len(part)))
    assert time.process_time() - begun < 15


@given(st.text())
def test_whatever_is_accepted_is_accepted_again(raw: str) -> None:
    try:
        slug = slugs.parse(raw)
    except slugs.BadSlug:
        return
    assert slugs.parse(slug) == slug == unicodedata.normalize("NFC", raw)
    assert slug.encode()
    assert "\0" not in slug


@pytest.mark.parametrize(
    ("title", "slug"),
    [
        ("Meeting notes", "Meeting-notes"),
        ("What's new in 3.14?", "Whats-new-in-3.14"),
        ("What\u2019s new…", "Whats-new"),
        ("C", "C"),
        ("C++", "C-plus-plus"),
        ("C# and F#", "C-sharp-and-F-sharp"),
        ("Issue #5", "Issue-5"),
        ("Q&A", "Q-A"),
        ("TCP/IP", "TCP-IP"),
        ("Tee & Kaffee", "Tee-Kaffee"),
        ("A – B - C", "A-B-C"),
        ("Mr. Smith et al.", "Mr-Smith-et-al"),
        (".NET basics", "NET-basics"),
        ("  a\tb\nc\u00a0d ", "a-b-c-d"),
        ("snake_case", "snake_case"),
        ("two--hyphens", "two--hyphens"),
        ("50 %", "50"),
        ("nai\u0308ve Stra\u00dfe", "naïve-Straße"),
        ("指南 部署", "指南-部署"),
        ("हिन्दी में", "हिन्दी-में"),
        ("می\u200cخواهم", "می\u200cخواهم"),
        ("a\u200db ❤\ufe0f c", "ab-c"),
        ("soft\u00adhyphen", "softhyphen"),
        ("e'\u0301", "é"),
        ("README.md", "README-md"),
        ("🎉", "page"),
        ("???", "page"),
        ("", "page"),
        ("..", "page"),
        ("-", "page"),
        ("api", "api-page"),
        ("API", "API"),
        ("robots.txt", "robots.txt-page"),
        ("x" * 300, "x" * 200),
        ("x" * 199 + " y", "x" * 199),
    ],
)
def test_a_title_makes_a_name(title: str, slug: str) -> None:
    assert slugs.from_title(title) == slug


def test_in_a_folder_less_is_reserved_and_there_is_less_room() -> None:
    assert slugs.from_title("api", "notes") == "notes/api"
    assert slugs.from_title("Tea time", "notes", "-2") == "notes/Tea-time-2"
    assert slugs.from_title("x" * 300, "notes", "-2") == f"notes/{'x' * 192}-2"
    assert slugs.from_title("Tea", "x" * 198) == f"{'x' * 198}/T"
    assert slugs.from_title("?", "x" * 198) == f"{'x' * 198}/p"
    with pytest.raises(slugs.BadSlug, match="200 characters"):
        slugs.from_title("Tea", "x" * 199)


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("Meeting notes/May 2026", "Meeting-notes/May-2026"),
        ("/guide//install/", "guide/install"),
        ("a/../b/.", "a/b"),
        ("notes.md/tea.md", "notes.md/tea-md"),
        ("robots.txt/x", "robots.txt/x"),
        ("api/pages", "api-page/pages"),
        ("-/x y", "page/x-y"),
        ("", "page"),
        ("//", "page"),
    ],
)
def test_a_path_makes_one_of_each_of_its_names(path: str, slug: str) -> None:
    assert slugs.from_path(path) == slug


@pytest.mark.parametrize(
    ("path", "folder"),
    [("", ""), (" / ", ""), ("Meeting notes/", "Meeting-notes"), ("api", "api-page")],
)
def test_a_path_makes_a_folder(path: str, folder: str) -> None:
    assert slugs.folder_from_path(path) == folder


@pytest.mark.parametrize(
    "folder", ["home", "a.b-c_d/1", "naïve", "部署/指南", "robots.txt", "a.md", "guide/a.md"]
)
def test_a_folder_stays(folder: str) -> None:
    assert slugs.folder_from_path(folder) == folder


@pytest.mark.parametrize(
    ("file", "slug"),
    [
        ("guide/install.md", "guide/install"),
        ("guide/Über uns.markdown", "guide/Über-uns"),
        ("guide/Cafe\u0301.MD", "guide/Café"),
        ("C++/[draft] notes.mdx", "C-plus-plus/draft-notes"),
        ("notes.md.md", "notes-md"),
        ("guide/index.md", "guide"),
        ("guide/README.md", "guide"),
        ("My guide/_index.md", "My-guide"),
        ("index.md", "home"),
        ("home.md", "home"),
        ("api/index.md", "api-page"),
        ("index/a.md", "index/a"),
    ],
)
def test_a_file_holds_a_page(file: str, slug: str) -> None:
    assert slugs.from_file(file) == slug


@pytest.mark.parametrize(
    ("file", "slug"),
    [
        ("guide/a.md", "guide/a"),
        ("guide/A b.MD", "guide/A-b"),
        ("guide/README.md", "guide"),
        ("guide/index.md", "guide/index"),  # an older page's own
        ("e\u0301.md", "é"),
        ("a...b.md", "a...b"),
    ],
)
def test_the_file_of_a_page(file: str, slug: str) -> None:
    slugs.check_file(file, slug)


@pytest.mark.parametrize(
    "file",
    [
        *("", "/a.md", "a.md/", "x//a.md", ".", "..", "../a.md", "x/../a.md", ".a.md", ".x/a.md"),
        *("a\\b.md", "a\n.md", "a\x7f.md", "a\x85.md", "b.md", "x/a.md", "A.md", f"{'x' * 201}.md"),
    ],
)
def test_what_is_no_file_of_a_page(file: str) -> None:
    with pytest.raises(slugs.BadFile):
        slugs.check_file(file, "a")


@given(TEXT, st.sampled_from([".md", ".MD", ".mdx", ".markdown", ""]))
def test_each_file_that_a_folder_may_have_is_one_of_its_page(raw: str, suffix: str) -> None:
    path = "/".join(re.sub(r"[\\\x00-\x1f\x7f-\x9f]", "_", name) for name in raw.split("/"))
    slug = slugs.from_file(file := f"{path}{suffix}")
    hidden = any(not name or name.startswith(".") for name in file.split("/"))
    with pytest.raises(slugs.BadFile) if hidden else contextlib.nullcontext():
        slugs.check_file(file, slug)


@pytest.mark.parametrize(
    ("slug", "file", "folder"),
    [
        ("guide/start", "", "guide"),
        ("guide/start", "guide/start.md", "guide"),
        ("guide", "guide/README.md", "guide"),
        ("guide/index", "guide/index.md", "guide"),
        ("home", "index.md", ""),
        ("home", "home/index.md", "home"),
        ("Über-uns/a", "Über uns/a.md", "Über-uns"),
    ],
)
def test_links_of_a_page_start_in_the_folder_of_its_file(slug: str, file: str, folder: str) -> None:
    assert slugs.folder_of(slug, file) == folder


def test_the_words_of_a_name() -> None:
    assert slugs.words("guide/How-to_install.v2") == "How to install v2"


# What titles are made of, and whatever else somebody may paste.
TITLE = st.lists(st.sampled_from([*PIECES, *INVISIBLE, *" '’+#?&:", "\n"]) | st.text()).map("".join)


@given(TITLE, st.sampled_from(["", "notes", "ü" * 190]), st.sampled_from(["", "-2", "-13"]))
def test_whatever_the_title_its_name_is_one_that_a_new_page_may_have(
    title: str, folder: str, ending: str
) -> None:
    slug = slugs.from_title(title, folder, ending)
    assert slugs.parse(slug) == slug
    slugs.check_new(slug)
    above, _, name = slug.rpartition("/")
    assert above == folder
    assert name.endswith(ending)
    assert slugs.from_title(name, folder) == slug


@given(TITLE)
def test_the_spelling_of_a_title_makes_no_difference(title: str) -> None:
    name = slugs.from_title(title)
    assert slugs.from_title(unicodedata.normalize("NFD", texts.composed(title))) == name
    assert slugs.from_title(f" {title}\n") == slugs.from_title(f"\t{title} ")


@given(TEXT)
def test_what_is_a_name_already_stays(raw: str) -> None:
    try:
        slug = slugs.parse(raw)
        slugs.check_new(slug)
    except slugs.BadSlug:
        assert slugs.from_path(made := slugs.from_path(raw)) == made
        return
    assert slugs.from_path(slug) == slug


@given(TEXT, st.sampled_from([".md", ".MD", ".mdx", ".markdown"]))
def test_a_file_of_a_name_holds_the_page_of_that_name(raw: str, suffix: str) -> None:
    slug = slugs.from_path(raw)
    if slug.rpartition("/")[2].casefold() not in ("index", "_index", "readme"):
        assert slugs.from_file(slug + suffix) == slug


@given(st.text(st.characters(categories=["L", "N"], max_codepoint=0xFFFF), max_size=100))
def test_every_letter_and_digit_stays_in_a_name(title: str) -> None:
    seen = texts.composed(re.sub(f"[{texts.INVISIBLE}]", "", title))
    expected = seen or "page"
    assert slugs.from_title(title) == ("api-page" if seen == "api" else expected)


@pytest.mark.parametrize("part", ["\u0301\u0316", "-", ".- ", "ب\u064b\u200c", "# ", "'", "a/"])
def test_a_name_takes_no_time_that_grows_with_a_title(part: str) -> None:
    begun = time.process_time()
    for name in (slugs.from_title, slugs.from_path):
        with contextlib.suppress(slugs.BadSlug):
            name("ب" + part * (400_000 // len(part)))
    assert time.process_time() - begun < 15
