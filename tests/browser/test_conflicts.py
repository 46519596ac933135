"""Somebody else saves between this editor's load and save. Nobody's change is lost or undone."""

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.api import Api
from tests.browser.tabs import await_draft, await_page, edit, save, text

BEFORE = "# Leaf\n\nGreen.\n"
MINE = "# Leaf\n\nYellow.\n"
THEIRS = "# Leaf\n\nRed.\n"
APART = "# Leaf\n\nGreen.\n\nSmall.\n\nRound.\n"


@pytest.fixture
def conflict(editor: Page, api: Api, slug: str) -> Page:
    """Alice's tab, after bob was faster."""
    api.create(slug, BEFORE)
    edit(editor, slug, MINE)
    api.update(slug, THEIRS)
    save(editor)
    return editor


def the_conflict(tab: Page) -> Locator:
    return tab.get_by_role("region", name="changed the same")


def choices(tab: Page) -> Locator:
    return the_conflict(tab).get_by_role("group")


def expect_a_choice(tab: Page) -> None:
    expect(choices(tab)).to_have_count(1)
    expect(choices(tab).locator("pre")).to_have_text(["Yellow.", "Red."])
    expect(text(tab)).to_be_hidden()


def choose(tab: Page, which: str) -> None:
    choices(tab).get_by_role("radio", name=which).check()


def test_changes_apart_from_each_other_are_merged(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, APART)
    edit(editor, slug, APART.replace("Round.", "Long."))
    api.update(slug, APART.replace("Green.", "Red.\nOr brown."))
    save(editor)
    await_page(editor, slug)
    expect(editor.get_by_role("status")).to_have_text(
        "bob’s change to 2 lines was merged in. See what changed"
    )
    merged = APART.replace("Green.", "Red.\nOr brown.").replace("Round.", "Long.")
    assert (api.page(slug)["version"], api.page(slug)["body"]) == (3, merged)
    editor.get_by_role("link", name="See what changed").click()
    expect(editor.locator("ins")).to_contain_text("Or brown.")
    expect(editor.locator("main")).not_to_contain_text("Long.")
    editor.goto(f"/{slug}")
    expect(editor.get_by_role("status")).to_have_count(0)


def test_others_may_be_faster_three_times(editor: Page, api: Api, slug: str) -> None:
    """Then a person decides whether to go on; nothing is lost meanwhile."""
    api.create(slug, APART)
    edit(editor, slug, APART.replace("Round.", "Long."))
    faster: list[str] = []

    def be_faster(route: Route) -> None:
        if route.request.method == "PUT":
            faster.append(f"# Leaf {len(faster)}")
            api.update(slug, APART.replace("# Leaf", faster[-1]))
        route.continue_()

    editor.route(f"**/api/pages/{slug}", be_faster)
    save(editor)
    expect(editor.get_by_text("save once more")).to_be_visible()
    assert (len(faster), api.page(slug)["version"]) == (3, 4)
    editor.unroute(f"**/api/pages/{slug}")
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["body"] == APART.replace("# Leaf", faster[-1]).replace("Round.", "Long.")


def test_what_both_changed_is_for_a_person(conflict: Page, api: Api, slug: str) -> None:
    expect_a_choice(conflict)
    expect(the_conflict(conflict).get_by_role("heading", level=2)).to_be_focused()
    expect(choices(conflict).locator("mark")).to_have_text(["Yellow.", "Red."])
    assert api.page(slug)["body"] == THEIRS


def test_saving_without_a_choice_saves_nothing(conflict: Page, api: Api, slug: str) -> None:
    expect_a_choice(conflict)
    save(conflict)
    expect(conflict.get_by_role("alert")).to_have_text("There is something left to decide.")
    conflict.keyboard.press("Control+s")
    expect_a_choice(conflict)
    assert api.page(slug)["version"] == 2


@pytest.mark.parametrize(
    ("which", "body"),
    [
        ("Yours", MINE),
        ("bob’s", THEIRS),
        ("Both", "# Leaf\n\nYellow.\n\nRed.\n"),
        ("Neither", "# Leaf\n\n"),
    ],
)
def test_what_is_chosen_is_saved(
    conflict: Page, api: Api, slug: str, which: str, body: str
) -> None:
    choose(conflict, which)
    save(conflict)
    await_page(conflict, slug)
    version = 2 if body == THEIRS else 3  # theirs is there already
    assert (api.page(slug)["version"], api.page(slug)["body"]) == (version, body)
    assert api.revision(slug, 2)["body"] == THEIRS


@pytest.mark.parametrize(
    ("before", "mine", "theirs", "both"),
    [
        ("- a\n", "- b\n", "- c\n", "- b\n- c\n"),
        ("One\ntwo.\n", "One\n2.\n", "One\nII.\n", "2.\nII.\n"),
        ("| a |\n|---|\n", "| b |\n|---|\n", "| c |\n|---|\n", "| b |\n| c |\n"),
    ],
    ids=["a list", "in a paragraph", "a table"],
)
def test_both_stay_together_where_they_are_no_paragraphs(
    editor: Page, api: Api, slug: str, before: str, mine: str, theirs: str, both: str
) -> None:
    api.create(slug, before)
    edit(editor, slug, mine)
    api.update(slug, theirs)
    save(editor)
    choose(editor, "Both")
    field = choices(editor).get_by_label("What the page is to say")
    expect(field).to_have_value(both)


def test_a_choice_can_be_edited(conflict: Page, api: Api, slug: str) -> None:
    choose(conflict, "Both")
    choices(conflict).get_by_label("What the page is to say").fill("Yellow, then red.")
    save(conflict)
    await_page(conflict, slug)
    assert api.page(slug)["body"] == "# Leaf\n\nYellow, then red.\n"


def test_an_emptied_field_decides_nothing(conflict: Page, api: Api, slug: str) -> None:
    field = choices(conflict).get_by_label("What the page is to say")
    for chosen in ("", "Both"):
        if chosen:
            choose(conflict, chosen)
        field.fill("x")
        field.fill("")
        save(conflict)
        expect(conflict.get_by_role("alert")).to_have_text("There is something left to decide.")
    choose(conflict, "Yours")
    expect(conflict.get_by_role("alert")).to_have_count(0)
    assert api.page(slug)["body"] == THEIRS


@pytest.mark.parametrize("way", ["reload", "back"])
def test_what_was_decided_is_kept(conflict: Page, api: Api, slug: str, way: str) -> None:
    field = choices(conflict).get_by_label("What the page is to say")
    choose(conflict, "Both")
    field.fill("Yellow, then red.")
    if way == "reload":
        await_draft(conflict)
        conflict.reload()
    else:
        conflict.get_by_role("button", name="Back to my text").click()
        save(conflict)
    expect(field).to_have_value("Yellow, then red.")
    expect(choices(conflict).get_by_role("radio", name="What I wrote")).to_be_checked()
    save(conflict)
    await_page(conflict, slug)
    assert api.page(slug)["body"] == "# Leaf\n\nYellow, then red.\n"
    kept = conflict.evaluate("Object.keys(localStorage).filter(key => key.includes('decisions'))")
    assert kept == []


def test_no_key_takes_ones_own_words_away(conflict: Page, api: Api, slug: str) -> None:
    field = choices(conflict).get_by_label("What the page is to say")
    field.fill("In my words.")
    own = choices(conflict).get_by_role("radio", name="What I wrote")
    expect(own).to_be_checked()
    own.press("ArrowLeft")
    expect(field).to_have_value("")  # neither
    conflict.keyboard.press("ArrowLeft")
    expect(field).to_have_value("Yellow.\n\nRed.\n")
    own.check()
    expect(field).to_have_value("In my words.")
    save(conflict)
    await_page(conflict, slug)
    assert api.page(slug)["body"] == "# Leaf\n\nIn my words.\n"


def test_decisions_go_along_with_a_page_that_moves(conflict: Page, api: Api, slug: str) -> None:
    choices(conflict).get_by_label("What the page is to say").fill("In my words.")
    await_draft(conflict)
    api.move(slug, f"{slug}-2")
    conflict.reload()
    conflict.wait_for_url(f"**/-/edit/{slug}-2")
    field = choices(conflict).get_by_label("What the page is to say")
    expect(field).to_have_value("In my words.")


def test_a_text_does_not_end_up_in_another_page(editor: Page, api: Api, slug: str) -> None:
    """The page has moved on, and another one is at its old address by now."""
    api.create(slug, APART)
    edit(editor, slug, APART.replace("Round.", "Long."))
    api.move(slug, f"{slug}-2")
    api.create(slug, "# Other\n")
    save(editor)
    editor.wait_for_url(f"**/-/edit/{slug}-2")
    expect(text(editor)).to_have_value(APART.replace("Round.", "Long."))
    save(editor)
    await_page(editor, f"{slug}-2")
    assert api.page(slug)["body"] == "# Other\n"
    assert api.page(f"{slug}-2")["body"] == APART.replace("Round.", "Long.")


def test_ones_own_other_tab_is_called_so(editor: Page, slug: str, api: Api) -> None:
    api.create(slug, APART)
    edit(editor, slug, APART.replace("Round.", "Long."))
    other = editor.context.new_page()
    edit(other, slug, APART.replace("Green.", "Red.").replace("Round.", "Wide."))
    save(other)
    await_page(other, slug)
    save(editor)
    heading = the_conflict(editor).get_by_role("heading", level=2)
    expect(heading).to_have_text("You changed the same lines in another tab, too")
    choose(editor, "Yours")
    save(editor)
    await_page(editor, slug)
    expect(editor.get_by_role("status")).to_contain_text("your own change to 1 line was merged in")


def test_one_may_go_back_to_ones_text(conflict: Page, api: Api, slug: str) -> None:
    conflict.get_by_role("button", name="Back to my text").click()
    expect(text(conflict)).to_have_value(MINE)
    text(conflict).fill(THEIRS)
    save(conflict)
    await_page(conflict, slug)
    assert api.page(slug)["body"] == THEIRS


def test_only_the_paragraphs_in_conflict_are_shown(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, "one\ntwo\n\nthree\n\nfour\nfive\n")
    edit(editor, slug, "ONE\ntwo\n\nthree\n\nfour\nFIVE\n")
    api.update(slug, "One\ntwo\n\n3\n\nfour\nFive\n")
    save(editor)
    expect(choices(editor)).to_have_count(2)
    expect(choices(editor).first.locator("pre")).to_have_text(["ONE\ntwo", "One\ntwo"])
    choices(editor).first.get_by_role("radio", name="Yours").check()
    save(editor)
    expect(choices(editor).last.get_by_role("radio", name="Yours")).to_be_focused()
    choices(editor).last.get_by_role("radio", name="bob’s").check()
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["body"] == "ONE\ntwo\n\n3\n\nfour\nFive\n"


def test_a_second_conflict_is_one_too(conflict: Page, api: Api, slug: str) -> None:
    choose(conflict, "Yours")
    api.update(slug, "# Leaf\n\nBrown.\n")
    save(conflict)
    expect(choices(conflict).locator("pre")).to_have_text(["Yellow.", "Brown."])
    assert api.page(slug)["version"] == 3


def test_a_draft_of_an_old_version_is_merged(conflict: Page, api: Api, slug: str) -> None:
    for _ in range(2):  # It stays one, however often she leaves.
        expect_a_choice(conflict)
        conflict.goto("/")
        conflict.goto(f"/-/edit/{slug}")
    expect_a_choice(conflict)
    choose(conflict, "Both")
    save(conflict)
    await_page(conflict, slug)
    assert api.page(slug)["body"] == "# Leaf\n\nYellow.\n\nRed.\n"


def test_windows_line_ends_are_merged(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, "one\r\ntwo\r\nthree\r\n")
    edit(editor, slug, "ONE\ntwo\nthree\n")
    api.update(slug, "One\r\ntwo\r\n3\r\n")
    save(editor)
    choose(editor, "Both")
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["body"] == "ONE\r\nOne\r\ntwo\r\n3\r\n"


MIXED = "# Leaf\r\nunix\nmac\rwindows\r\n\nlast"


def test_mixed_line_ends_are_no_change(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, MIXED)
    editor.goto(f"/-/edit/{slug}")
    expect(text(editor)).to_have_value(MIXED.replace("\r\n", "\n").replace("\r", "\n"))
    save(editor)
    await_page(editor, slug)
    assert (api.page(slug)["version"], api.page(slug)["body"]) == (1, MIXED)


def test_mixed_line_ends_stay_where_nobody_changed_them(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, MIXED)
    editor.goto(f"/-/edit/{slug}")
    expect(text(editor)).to_be_focused()
    editor.keyboard.press("Control+End")
    editor.keyboard.type(" one\nof all")
    api.update(slug, MIXED.replace("unix", "Unix"))
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["body"] == MIXED.replace("unix", "Unix") + " one\r\nof all"


def test_as_many_lines_in_between_have_their_line_ends(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, MIXED)
    expected = MIXED.replace("Leaf", "Tea").replace("windows", "doors")
    edit(editor, slug, expected.replace("\r\n", "\n").replace("\r", "\n"))
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["body"] == expected


def test_a_page_that_moves_meanwhile_is_followed(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, APART)
    edit(editor, slug, APART.replace("Round.", "Long."))
    api.update(slug, APART.replace("Green.", "Red."))
    api.move(slug, f"{slug}-2")
    save(editor)
    editor.wait_for_url(f"**/-/edit/{slug}-2")
    expect(editor.get_by_text("another address now")).to_be_visible()
    merged = APART.replace("Green.", "Red.").replace("Round.", "Long.")
    expect(text(editor)).to_have_value(merged)
    save(editor)
    await_page(editor, f"{slug}-2")
    assert api.page(f"{slug}-2")["body"] == merged


def test_a_page_deleted_meanwhile_can_be_written_again(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, BEFORE)
    edit(editor, slug, MINE)
    api.remove(slug)
    save(editor)
    expect(editor.get_by_role("region", name="This page was deleted")).to_be_visible()
    expect(editor.get_by_role("button", name="Delete this page")).to_be_hidden()
    editor.get_by_role("button", name="Make the page again").click()
    await_page(editor, slug)
    assert api.page(slug)["body"] == MINE


def test_a_page_created_meanwhile_is_not_overwritten(editor: Page, api: Api, slug: str) -> None:
    edit(editor, slug, MINE)
    api.create(slug, THEIRS)
    save(editor)
    expect_a_choice(editor)
    assert api.page(slug)["body"] == THEIRS


def test_a_page_changed_meanwhile_is_not_deleted(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, BEFORE)
    editor.goto(f"/-/edit/{slug}")
    editor.get_by_role("button", name="Delete this page").wait_for()
    api.update(slug, THEIRS)
    editor.get_by_role("button", name="Delete this page").click()
    editor.get_by_role("button", name="Delete", exact=True).click()
    expect(editor.get_by_role("alert")).to_contain_text("bob has just changed this page.")
    expect(text(editor)).to_have_value(THEIRS)
    assert api.page(slug)["body"] == THEIRS


def test_nor_does_a_text_go_over_it_then(editor: Page, api: Api, slug: str) -> None:
    api.create(slug, APART)
    edit(editor, slug, APART.replace("Round.", "Long."))
    api.update(slug, APART.replace("Green.", "Red."))
    editor.get_by_role("button", name="Delete this page").click()
    editor.get_by_role("button", name="Delete", exact=True).click()
    expect(editor.get_by_role("alert")).to_contain_text("Save or discard your text")
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["body"] == APART.replace("Round.", "Long.").replace("Green.", "Red.")
