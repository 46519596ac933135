"""Links get other addresses in the source, and nothing else of it changes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf.cli.relinking import Relinked
from sheaf.cli.renaming import Renaming, astray, followed, pinned
from sheaf.rendering import markdown, source

FOLDER = Renaming("guide/", "handbook/")
MOVED = {"guide/x", "guide/y", "guide/größe"}


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("[a](/guide/x)", "[a](/handbook/x)"),
        ("[a](guide/x.md 'guide/x')", "[a](handbook/x.md 'guide/x')"),
        ("[a](../guide/x?b=1&amp;c#d)", "[a](handbook/x?b=1&amp;c#d)"),
        ("[guide/x](<./guide/x#c d>)", "[guide/x](<handbook/x#c d>)"),
        ("[a](\n  /guide/x\n)", "[a](\n  /handbook/x\n)"),
        ("> [a](\n> /guide/x)", "> [a](\n> /handbook/x)"),
        ("[a]\n\n[a]: /guide/x\n", "[a]\n\n[a]: /handbook/x\n"),
        ("> [a]:\n>  </guide/x> 'b'\r\n", "> [a]:\n>  </handbook/x> 'b'\r\n"),
        ("never used\n\n[a]: /guide/x\n", "never used\n\n[a]: /handbook/x\n"),
        ("| a |\n|---|\n| [b](/guide/x) |", "| a |\n|---|\n| [b](/handbook/x) |"),
        ("[a](/guide/gr%C3%B6%C3%9Fe)", "[a](/handbook/gr%C3%B6%C3%9Fe)"),
        ("[a](/guide/größe)", "[a](/handbook/größe)"),
        ("[a](/guide/gro\u0308ße)", "[a](/handbook/größe)"),
        (r"[a](/guide\/x\#b)", r"[a](/handbook/x\#b)"),
        ("[![b](/guide/x)](/guide/x)", "[![b](/guide/x)](/handbook/x)"),
        ("[a](/guide/x/)", "[a](/handbook/x/)"),
        ("# [a](/guide/x)\n===", "# [a](/handbook/x)\n==="),
        ("---\nurl: '[a](/guide/x)'\n---\n[a](/guide/x)", None),
        ("\ufeff[a](/guide/x)", "\ufeff[a](/handbook/x)"),
    ],
)
def test_a_link_leads_to_the_new_name(before: str, after: str | None) -> None:
    if after is None:
        after = before[: before.index("---\n[a]")] + "---\n[a](/handbook/x)"
    assert followed(before, "home", MOVED, FOLDER) == Relinked(after)


@pytest.mark.parametrize(
    "text",
    [
        "`[a](/guide/x)`",
        "```\n[a](/guide/x)\n```",
        "    [a](/guide/x)",
        "\\[a](/guide/x)",
        "[a](/guide/x b)",
        "[a](//guide/x) [b](https://example.org/guide/x) <https://example.org/guide/x>",
        "[a](/guide/z) [b](/Guide/x) [c](/guide/x/y)",
        "![a](/guide/x)",
        "[a](mailto:guide/x) [b](#guide/x) [c](?guide/x)",
        "[a](/guide/z)\n\n[b]: /guide/z\n[b]: /guide/x\n",
    ],
)
def test_other_text_stays(text: str) -> None:
    assert followed(text, "home", MOVED, FOLDER) == Relinked(text)


def test_a_link_in_html_stays_and_is_told() -> None:
    text = "<a href='/guide/x'>a</a>"
    assert followed(text, "home", MOVED, FOLDER) == Relinked(text, ("/guide/x",))


def test_a_link_that_cannot_have_its_new_address_is_told() -> None:
    """In this place it would begin a list."""
    relinked = followed("[b]:\nx\n\n[b] [c](x)", "home", {"x"}, Renaming("x", "1."))
    assert relinked == Relinked("[b]:\nx\n\n[b] [c](1.)", ("x",))


@pytest.mark.parametrize(
    ("slug", "before", "after"),
    [
        ("guide/z", "[a](x) [b](x.md) [c](../guide/x)", "[a](x) [b](x.md) [c](/handbook/x)"),
        ("guide/z", "[a](/guide/x) [b](/guide/z)", "[a](/handbook/x) [b](/guide/z)"),
        ("handbook/z", "[a](../guide/x) [b](/guide/x)", "[a](x) [b](/handbook/x)"),
        ("deep/er/z", "[a](../../guide/x)", "[a](../../handbook/x)"),
        ("handbook", "[a](guide/x)", "[a](handbook/x)"),
    ],
)
def test_relative_links_stay_relative(slug: str, before: str, after: str) -> None:
    assert followed(before, slug, MOVED, FOLDER) == Relinked(after)


@pytest.mark.parametrize(
    ("target", "before", "after"),
    [
        ("handbook/", "[a](x) [b](../tea) [c](../guide/x)", None),
        ("a/b/", "[a](x) [b](../tea#d) [c](../guide/x)", "[a](x) [b](/tea#d) [c](/guide/x)"),
        ("a/b/", "[a](..) [b](../feed.atom) [c](../tea/)", "[a](/) [b](/feed.atom) [c](/tea/)"),
        ("a/b/", "[a](/tea) [b](https://a.b/../c) `[c](../tea)`", None),
    ],
)
def test_links_of_a_page_that_moves_go_on_leading_there(
    target: str, before: str, after: str | None
) -> None:
    renaming = Renaming("guide/", target)
    assert pinned(before, "guide/z", renaming) == Relinked(after or before)
    assert bool(astray(before, "guide/z", renaming)) == bool(after)


def test_links_that_lead_elsewhere_are_named() -> None:
    text = "[a](tea) [b](../x) [a](tea) ``[c](tea)``"
    # A browser takes `..` at the top for nothing.
    assert astray(text, "guide/z", Renaming("guide/z", "z")) == ["tea"]
    assert astray(text, "guide/z", Renaming("guide/z", "a/b/z")) == ["tea", "../x"]


DESTINATIONS = [
    *("/guide/x", "guide/x.md", "../guide/y#b", "/guide/z", "x", "/tea?q=/guide/x", "<guide/x>"),
    *("/guide/gr%C3%B6%C3%9Fe", r"/guide\/x", "https://e.org/guide/x", "/guide/x 'title'", ""),
]
MARKS = [
    *("\n", "\n\n", "`", "```\n", "    ", "> ", "- ", "[b]", "[b][]", "![", "](", "]: ", "|", "<"),
    *("\\", "*", "~~", "\r\n", "\t", ")", "[", "|-|\n", "# ", "\n---\n", "&amp;", "x", "1. "),
]
PARTS = st.one_of(
    st.sampled_from(DESTINATIONS).map(lambda address: f"[a]({address})"),
    st.sampled_from(DESTINATIONS).map(lambda address: f"[b]: {address}\n"),
    st.sampled_from(MARKS),
    st.text(max_size=3),
)
TEXTS = st.lists(PARTS, max_size=14).map("".join)


@given(TEXTS, st.sampled_from(["home", "guide/z", "handbook/x", "a/b/c"]))
def test_after_it_a_page_has_the_same_links_by_their_new_names(text: str, slug: str) -> None:
    relinked = followed(text, slug, MOVED, FOLDER)
    home = FOLDER.new(slug)
    before = markdown.render(source.parse(text).text, slug)
    after = markdown.render(source.parse(relinked.body).text, slug)
    assert after.plain == before.plain
    if home == slug:
        new = {FOLDER.new(link) if link in MOVED else link for link in before.links}
        assert after.links == new
        assert not relinked.left
        assert followed(relinked.body, slug, MOVED, FOLDER) == relinked
    assert kept(text) == kept(relinked.body)


def kept(text: str) -> str:
    """The text without what may change in it."""
    for word in ("handbook", "guide", "gr%C3%B6%C3%9Fe", "größe", "\\", "../", "./", "/"):
        text = text.replace(word, "")
    return text


@given(TEXTS, st.sampled_from(["a/b/", "handbook/"]))
def test_pinned_links_lead_the_same_way_before_and_after_a_move(text: str, target: str) -> None:
    renaming = Renaming("guide/", target)
    body = pinned(text, "guide/z", renaming).body
    before, now, then = (
        markdown.render(source.parse(each).text, slug).links
        for each, slug in ((text, "guide/z"), (body, "guide/z"), (body, target + "z"))
    )
    assert now == before
    assert {renaming.new(link) for link in then} == {renaming.new(link) for link in before}


def test_in_a_folders_file_links_start_in_the_folder_and_in_the_page_that_moved_above_it() -> None:
    file = "guide/README.md"
    relinked = followed("[a](x.md)", "guide", MOVED, FOLDER, file)
    assert relinked == Relinked("[a](../handbook/x.md)")
    renaming = Renaming("guide", "handbook")
    assert pinned("[a](x) [b](/y)", "guide", renaming, file) == Relinked("[a](/guide/x) [b](/y)")
    assert astray("[a](x)", "guide", renaming, file) == ["x"]
