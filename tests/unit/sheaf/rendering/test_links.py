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


NAME = st.text(st.sampled_from("aÜ部 .-_+#?'"), min_size=1, max_size=8)


@given(st.lists(NAME, min_size=1, max_size=4), st.lists(NAME, max_size=3))
def test_what_a_link_leads_to_is_a_page_that_may_be(names: list[str], folder: list[str]) -> None:
    href = "/".join(names).replace("#", "%23").replace("?", "%3F")
    found = links.target(href, slugs.from_path("/".join([*folder, "x"])))
    if found:
        assert slugs.parse(found.slug) == found.slug


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
