import pytest

from sheaf.rendering.markdown import render


@pytest.mark.parametrize("kind", ["note", "tip", "important", "warning", "caution"])
def test_githubs_alerts(kind: str) -> None:
    html = render(f"> [!{kind.upper()}]\n> *a*\n>\n> - b", "x").html
    assert html.startswith(f'<div class="notice {kind}">\n<p class="title">{kind.title()}</p>')
    assert "<li>b</li>" in html


@pytest.mark.parametrize("text", ["> [!NEWS]\n> a", "> [!NOTE] a", "[!NOTE]\na"])
def test_other_quotations_stay(text: str) -> None:
    assert "notice" not in render(text, "x").html
