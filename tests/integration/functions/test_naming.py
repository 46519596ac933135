"""New pages from titles, and the form for a move: which address it will be, and what is there."""

import pytest

from tests.site import CREATE, Site


def others(site: Site, title: str) -> tuple[str | None, str | None]:
    """Where the slug of a title leads, and which page is spelled like it."""
    answer = site.client.get("/api/slugs", query_string={"title": title})
    return answer.json["moved_to"], answer.json["alike"]


def proposal(site: Site, title: str, folder: str = "") -> tuple[str, bool, str | None]:
    answer = site.client.get("/api/slugs", query_string={"title": title, "folder": folder})
    assert answer.status_code == 200, answer.text
    return answer.json["slug"], answer.json["taken"], answer.json["free"]


def move(site: Site, source: str, to: str, version: int = 1) -> None:
    moving = {"from": source, "to": to, "if_match": f'"v{version}"'}
    assert site.post("/api/moves", moving).status_code == 201


def test_a_title_makes_a_slug(site: Site) -> None:
    assert proposal(site, "Meeting notes", "Team  A/2026") == (
        *("Team-A/2026/Meeting-notes", False),
        "Team-A/2026/Meeting-notes",
    )


def test_one_that_is_taken_gets_the_first_free_number(site: Site) -> None:
    for slug in ("Tea", "Tea-2", "Tea-4"):
        site.create(slug, "text")
    assert proposal(site, "Tea") == ("Tea", True, "Tea-3")


def test_where_a_page_was_deleted_one_may_be_and_where_one_moved_away_not(site: Site) -> None:
    for slug in ("gone", "old"):
        site.create(slug, "text")
    site.delete("gone", 1)
    move(site, "old", "elsewhere")
    assert proposal(site, "gone") == ("gone", False, "gone")
    assert proposal(site, "old") == ("old", True, "old-2")


def test_an_address_that_only_leads_on_says_where(site: Site) -> None:
    site.create("old", "text")
    move(site, "old", "new")
    move(site, "new", "newest", 3)
    assert others(site, "old") == ("newest", None)
    form = site.get("/-/new?title=old").text
    assert '/old leads to <a href="/newest">/newest</a>' in form
    assert "already" not in form
    assert 'href="/-/edit/old-2?title=old"' in form


@pytest.mark.parametrize(
    ("there", "title"),
    [
        *(("Team-notes", "team notes"), ("leaf", "Leaf"), ("Team-Notes", "Team notes")),
        *(("team-notes", "Team Notes"), ("FAQ", "Faq"), ("a/tea", "A/tea")),
    ],
)
def test_a_page_that_is_the_same_but_for_capitals_is_named(
    site: Site, there: str, title: str
) -> None:
    site.create(there, "text")
    folder, _, name = title.rpartition("/")
    asked = {"title": name, "folder": folder}
    proposed = site.client.get("/api/slugs", query_string=asked).json
    assert (proposed["taken"], proposed["alike"]) == (False, there)
    form = site.client.get("/-/new", query_string=asked)
    assert f'<a href="/{there}">/{there}</a> already' in form.text
    assert f"Write it at /{proposed['slug']}<" in form.text


def test_one_that_was_deleted_or_moved_is_not_named(site: Site) -> None:
    for slug in ("tea", "Leaf"):
        site.create(slug, "text")
    site.delete("tea", 1)
    move(site, "Leaf", "other")
    assert others(site, "Tea") == others(site, "leaf") == (None, None)


def test_of_very_many_pages_of_one_title_none_is_free(site: Site) -> None:
    for number in range(1, 21):
        site.create(f"Tea-{number}" if number > 1 else "Tea", "text")
    assert proposal(site, "Tea") == ("Tea", True, None)
    assert "choose another title" in site.get("/-/new?title=Tea").text


@pytest.mark.parametrize(
    "query", ["", "title=", "title=a&title=b", f"title={'x' * 201}", f"title=a&folder={'x/' * 100}"]
)
def test_what_makes_no_slug(site: Site, query: str) -> None:
    assert site.get(f"/api/slugs?{query}").status_code == 400


def test_the_form_leads_to_the_editor(site: Site) -> None:
    asked = site.get("/-/new?title=What%27s+new%3F&folder=Team+notes")
    assert asked.status_code == 303
    assert asked.headers["Location"] == "/-/edit/Team-notes/Whats-new?title=What%27s+new%3F"
    assert asked.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("query", ["", "?title=", "?title=+", "?folder=guide"])
def test_without_a_title_it_asks_for_one(site: Site, query: str) -> None:
    form = site.get(f"/-/new{query}")
    assert form.status_code == 200
    assert 'name="title"' in form.text
    assert ('value="guide"' in form.text) is ("guide" in query)
    assert ("Give the page a title." in form.text) is ("title" in query)


def test_what_is_taken_is_told_with_a_link_and_a_free_address(site: Site) -> None:
    site.create("notes/Tea", "text")
    form = site.get("/-/new?title=Tea&folder=notes")
    assert form.status_code == 200
    assert '<a href="/notes/Tea">/notes/Tea</a> already' in form.text
    assert 'href="/-/edit/notes/Tea-2?title=Tea"' in form.text


def test_a_folder_that_leaves_no_room_is_told(site: Site) -> None:
    form = site.get(f"/-/new?title=Tea&folder={'x/' * 100}")
    assert form.status_code == 200
    assert "at most 200 characters" in form.text


def test_the_form_of_a_move_says_what_will_happen(site: Site) -> None:
    site.create("notes/tea", "# Tea")
    for number, said in (
        (0, "No page links here"),
        (1, ">1 page links here</a>. Nothing changes in it, and its links go on working."),
        (2, ">2 pages link here</a>. Nothing changes in them, and their links go on working."),
    ):
        form = site.get("/-/move/notes/tea")
        assert form.status_code == 200
        assert said in form.text
        site.create(f"linking/{number}", "[tea](/notes/tea)")
    assert 'data-slug="notes/tea" data-version="1"' in form.text
    assert 'name="name" value="tea"' in form.text
    assert 'name="folder" value="notes"' in form.text


def test_very_many_links_are_not_counted(site: Site) -> None:
    site.create("hub", "text")
    changes = [
        {"slug": f"p{number}", "body": "[hub](hub)", "if_none_match": "*"} for number in range(51)
    ]
    assert site.post("/api/batches", {"changes": changes}).status_code == 201
    assert "More than 50 pages link here" in site.get("/-/move/hub").text


def test_its_fields_come_back_from_the_address(site: Site) -> None:
    site.create("tea", "text")
    form = site.get("/-/move/tea?name=Green+tea&folder=")
    assert 'name="name" value="Green tea"' in form.text
    assert 'name="folder" value=""' in form.text


def test_only_a_page_that_is_there_can_move(site: Site) -> None:
    for slug in ("gone", "old"):
        site.put(slug, "text", CREATE)
    site.delete("gone", 1)
    move(site, "old", "new/place")
    assert site.get("/-/move/none").status_code == 404
    assert site.get("/-/move/gone").status_code == 410
    moved = site.get("/-/move/old")
    assert (moved.status_code, moved.headers["Location"]) == (303, "/-/move/new/place")
