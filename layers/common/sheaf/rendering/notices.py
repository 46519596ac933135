"""Notices: paragraphs that are set apart, such as warnings, as GitHub has them: `> [!NOTE]`."""

from collections.abc import Sequence

from markdown_it import MarkdownIt
from markdown_it.renderer import RendererProtocol
from markdown_it.token import Token
from markdown_it.utils import EnvType, OptionsDict

_KINDS = ("note", "tip", "important", "warning", "caution")
CLASSES = {"notice", *_KINDS}


def plugin(parser: MarkdownIt) -> None:
    """Have a parser know notices."""
    parser.options["alerts"] = True
    parser.add_render_rule("alert_open", _render_alert)
    parser.add_render_rule("alert_title_open", _render_title)


def _render_alert(
    _renderer: RendererProtocol,
    tokens: Sequence[Token],
    index: int,
    _options: OptionsDict,
    _environment: EnvType,
) -> str:
    return f'<div class="notice {tokens[index].meta["kind"].lower()}">\n'


def _render_title(*_: object) -> str:
    return '<p class="title">'
