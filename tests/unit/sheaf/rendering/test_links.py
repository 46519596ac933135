import posixpath
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sheaf import slugs
from sheaf.rendering import links

# A folder's page in a file, and where links in it start.
INDEX = ("guide", "guide/index.md")


@pytest.mark.parametrize(
    ("href", "page", "slug"),
    [
        ("start.md", ("guide/install", ""), "guide/start"),
        ("start", ("guide/install", ""), "guide/start"),
        ("start/", ("guide/install", ""), "guide/start"),
        ("../x/", ("guide/install", ""), "x"),
        ("/x/", ("guide/install", ""), "x"),
        ("../x/index.md", ("guide/install", ""), "x"),
        ("../x/README.md", ("guide/install", ""), "x"),
        ("index.md", ("guide/install", ""), "guide"),
        ("./", ("guide/install", ""), "guide"),
        ("../", ("guide/install", ""), "home"),
        ("../README.md", ("guide/install", ""), "home"),
        ("start.md", INDEX, "guide/start"),
        ("../x.md", INDEX, "x"),
        ("start.md", ("guide", ""), "start"),
        ("My%20notes.md", ("guide/install", ""), "guide/My-notes"),
        ("My notes", ("guide/install", ""), "guide/My-notes"),
        ("Caf%C3%A9.MDX", ("home", ""), "Café"),
        ("../../../x.md", ("guide/install", ""), "x"),
        ("../api/start.md", ("guide/install", ""), "api-page/start"),
        ("../api/start", ("guide/install", ""), "api-page/start"),
        ("api.md", ("home", ""), "api-page"),
    ],
)
def test_links_as_in_folders(href: str, page: tuple[str, str], slug: str) -> None:
    found = links.target(href, *page)
    assert found
    assert found.slug == slug


@pytest.mark.parametrize(
    "href",
    [
        "",
        "#there",
        "?x=1",
        "https://example.org/x.md",
        "//example.org/x.md",
        "mailto:x@example.org",
        "/-/recent",
        "/api/pages",
        "/robots.txt",
        "../sitemap.xml",
        "../llms.txt",
        "http://[",
    ],
)
def test_links_that_lead_to_no_page(href: str) -> None:
    assert links.target(href, "guide/install") is None


@pytest.mark.parametrize(
    ("href", "address"),
    [
        ("ver.md?plain=1#a", "/ver?plain=1#a"),
        ("ver#a", "/ver#a"),
        ("/ver/?x", "/ver?x"),
        ("Über.md", "/%C3%9Cber"),
    ],
)
def test_queries_and_fragments_stay(href: str, address: str) -> None:
    found = links.target(href, "home")
    assert found
    assert found.href == address


@pytest.mark.parametrize(
    ("href", "page", "found"),
    [
        ("../x/", ("g/a", ""), ["x", "g/x"]),
        ("x/", ("g/a", ""), ["g/x", "g/a/x"]),
        ("../x/", ("g", "g/index.md"), ["x"]),
        ("/x/", ("g/a", ""), ["x"]),
        ("x", ("home", ""), ["x"]),
        ("x.html", ("home", ""), ["x.html", "x"]),
        ("/x/index.html", ("g/a", ""), ["x/index.html", "x"]),
        ("x.HTM", ("home", ""), ["x.HTM", "x"]),
        ("x/index", ("home", ""), ["x/index", "x"]),
        ("x.md", ("g/a", ""), ["g/x", "g/a/x"]),
        ("../../-/x", ("g/a", ""), ["page/x"]),
        ("./", ("g/a", ""), ["g", "g/a"]),
    ],
)
def test_what_links_may_mean(href: str, page: tuple[str, str], found: list[str]) -> None:
    assert [each.slug for each in links.readings(href, *page)] == found


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("Tea", ["g/Tea"]),
        ("Green tea", ["g/Green-tea"]),
        ("Tea.md", ["g/Tea"]),
        ("x/Tea", ["g/x/Tea", "x/Tea"]),
        ("../Tea", ["Tea"]),
        ("/Tea", ["Tea"]),
        ("x/index", ["g/x", "x"]),
    ],
)
def test_where_names_are_looked_for(name: str, found: list[str]) -> None:
    assert [each.slug for each in links.named(name, "g/a")] == found


@pytest.mark.parametrize("slug", ["x", "g/a", "g/a/b/c"])
def test_the_same_place_in_another_page(slug: str) -> None:
    reading = links.readings("Ü.md?a=b#c", slug)[0]
    assert reading.to("z/ö") == links.Target("z/ö", "/z/%C3%B6?a=b#c")


NAME = st.text(st.sampled_from("aÜ部 .-_+#?'"), min_size=1, max_size=8)


@given(st.lists(NAME, min_size=1, max_size=4), st.lists(NAME, max_size=3))
def test_what_a_link_leads_to_is_a_page_that_may_be(names: list[str], folder: list[str]) -> None:
    href = "/".join(names).replace("#", "%23").replace("?", "%3F")
    found = links.readings(f"{href}?q=1#there", slugs.from_path("/".join([*folder, "x"])))
    assert len({each.slug for each in found}) == len(found) <= 4
    for each in found:
        assert slugs.parse(each.slug) == each.slug
        assert each.href == f"/{quote(each.slug)}?q=1#there"


PLAIN = st.text(st.sampled_from("abcß"), min_size=1, max_size=2)
PATH = st.lists(PLAIN, min_size=1, max_size=4).map("/".join)


@given(PATH, PATH)
def test_each_form_of_a_link_may_mean_the_page(page: str, there: str) -> None:
    """Between any two files of a folder, as their authors and as generators of sites write it."""
    folder = posixpath.dirname(f"/{page}")
    from_file, from_url = (posixpath.relpath(f"/{there}", start) for start in (folder, f"/{page}"))
    forms = [
        *(f"{from_file}{end}" for end in ("", "/", ".md", "/index.md", "/README.md", ".html")),
        *(f"{from_url}{end}" for end in ("", "/", "/index.html")),
        *(f"/{there}{end}" for end in ("", "/", ".md", ".html")),
    ]
    for href in forms:
        # `./a/..` and the like name a folder by the way to it.
        if not href.endswith(("...md", "...html")) and "..md" not in href and "..html" not in href:
            assert there in {each.slug for each in links.readings(href, page)}, href


@given(st.lists(NAME, min_size=1, max_size=4))
def test_a_link_to_a_file_leads_to_the_page_that_it_holds(names: list[str]) -> None:
    file = "/".join(names) + ".md"
    if names[0] in slugs.RESERVED_FIRST or any(not name.strip(". ") for name in names):
        return  # leads to the site's own, up, or nowhere
    found = links.target("/" + file.replace("#", "%23").replace("?", "%3F"), "x/y")
    assert found
    assert found.slug == slugs.from_file(file)


@pytest.mark.parametrize(
    ("written", "page", "slug"),
    [
        ("/posts/old/", ("drinks/tea", ""), "posts/old"),
        ("/posts/%C3%BC", ("drinks/tea", ""), "posts/ü"),
        ("/2019/01/old.html", ("drinks/tea", ""), "2019/01/old.html"),
        ("old", ("drinks/tea", ""), "drinks/old"),
        ("../old", ("drinks/tea", ""), "old"),
        ("start", INDEX, "guide/start"),
        ("Green tea", ("tea", ""), "Green-tea"),
        ("Note: C#?", ("tea", ""), "Note-C-sharp"),
        ("old.md", ("drinks/tea", ""), "drinks/old"),
        ("/old/README.md", ("tea", ""), "old"),
        ("/", ("tea", ""), "home"),
        ("../../..", ("drinks/tea", ""), "home"),
    ],
)
def test_aliases(written: str, page: tuple[str, str], slug: str) -> None:
    assert links.alias(written, *page) == slug


def test_the_root_is_the_start_page_and_the_top_of_all_folders_too(start_page: str) -> None:
    assert [each.slug for each in links.readings("/", "tea")] == [start_page, "home"]
    assert [each.slug for each in links.readings("x", start_page)] == ["größe/x", "x"]
    assert [each.slug for each in links.readings("x", "home")] == ["x", "home/x"]
    assert links.alias("/", "tea") == start_page


@pytest.mark.parametrize(
    "written", ["/api/pages", "../-/recent", "robots.txt", "???", "x/%00", f"/{'x/' * 150}y"]
)
def test_what_can_be_no_alias(written: str) -> None:
    with pytest.raises(slugs.BadSlug):
        links.alias(written, "tea")


@given(st.text(max_size=30), st.lists(NAME, max_size=3))
def test_an_alias_is_a_page_that_may_be_made(written: str, folder: list[str]) -> None:
    try:
        slug = links.alias(written, slugs.from_path("/".join([*folder, "x"])))
    except slugs.BadSlug:
        return
    slugs.check_new(slug)
    assert slugs.parse(slug) == slug
