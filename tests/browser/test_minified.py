"""Scripts and styles as the layer has them are smaller than in a checkout, and do the same."""

from importlib import util
from pathlib import Path
from types import ModuleType

from playwright.sync_api import Page, Route, expect

from tests.browser import test_conflicts
from tests.browser.api import Api
from tests.browser.tabs import await_page, edit, save


def _minify() -> ModuleType:
    """The step of the layer's build, which is no module of a package."""
    path = Path(__file__).parents[2] / "layers/common/minify.py"
    spec = util.spec_from_file_location("minify", path)
    assert spec
    assert spec.loader
    module = util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_editor_works_with_minified_files(
    editor: Page, api: Api, slug: str, tmp_path: Path
) -> None:
    minify = _minify()
    smaller: dict[str, bool] = {}

    def serve_minified(route: Route) -> None:
        answer = route.fetch()
        file = tmp_path / route.request.url.rpartition("/")[2]
        file.write_bytes(answer.body())
        minify.minify(tmp_path)
        smaller[file.name] = len(file.read_bytes()) < len(answer.body())
        route.fulfill(response=answer, body=file.read_bytes())
        file.unlink()

    editor.route("**/-/static/*.js", serve_minified)
    editor.route("**/-/static/*.css", serve_minified)
    api.create(slug, test_conflicts.BEFORE)
    edit(editor, slug, test_conflicts.MINE)
    api.update(slug, test_conflicts.THEIRS)
    save(editor)
    test_conflicts.expect_a_choice(editor)
    expect(editor.locator("#delete")).to_have_css("border-top-style", "solid")
    test_conflicts.choose(editor, "Both")
    editor.get_by_label("What the page is to say").fill("Ripe.")
    save(editor)
    await_page(editor, slug)
    assert api.page(slug)["body"] == "# Leaf\n\nRipe.\n"
    assert len(smaller) > 10
    assert all(smaller.values())
