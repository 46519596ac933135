from hypothesis import given
from hypothesis import strategies as st

from sheaf.http import media_types
from sheaf.http.requests import Request

# Of an Accept whether its sender wants Markdown: the CDN has to say the same.
EXAMPLES = {
    "text/markdown": True,
    "TEXT/Markdown": True,
    " text/markdown\t; q=0.8 , */*;q=0.1": True,
    "text/markdown, */*": True,
    "text/plain;q=0.5, text/markdown;variant=CommonMark;Q=0.001": True,
    "text/markdown;q=1.": True,
    "text/markdown, text/html;q=0": True,
    'application/x;a="text/html, b", text/markdown': True,
    r'application/x;a="\", text/html", text/markdown': True,
    "text/markdown, text/html;q=0.1": False,
    "text/html;level=1, text/markdown": False,
    "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8": False,
    "text/markdown;q=0": False,
    "text/markdown;q=0.000": False,
    "text/markdown;q=0.0001": False,
    "text/markdown;q=1.001": False,
    "text/markdown;q=2": False,
    "text/markdown;q=": False,
    'text/markdown;a=";q=1";q=0': False,
    'application/x;a="text/markdown"': False,
    "text/*": False,
    "*/*": False,
    "application/json": False,
    "text/markdownish": False,
    "x-text/markdown": False,
    "": False,
    ",;,": False,
}
TYPES = st.sampled_from(
    ["text/markdown", "Text/HTML", "text/html", "TEXT/MARKDOWN", "text/*", "*/*", "text/plain"]
)
WEIGHTS = {"q=0": 0, "q=0.0": 0, "Q=0.001": 1, "q=0.5": 500, "q=1": 1000, "q=x": 0, "": 1000}
PARAMETERS = st.sampled_from(["", "charset=utf-8", 'a="text/html,text/markdown;q=0"', "format=x"])
SPACES = st.sampled_from(["", " ", "\t"])
RANGES = st.lists(st.tuples(TYPES, PARAMETERS, st.sampled_from([*WEIGHTS]), SPACES), max_size=5)


def test_examples() -> None:
    wanted = {accept: media_types.wants_markdown(accept) for accept in EXAMPLES}
    assert wanted == EXAMPLES


@given(RANGES)
def test_what_is_named_and_weighs_something_is_wanted(
    ranges: list[tuple[str, str, str, str]],
) -> None:
    items = []
    for media_type, parameter, weight, space in ranges:
        parts = filter(None, (media_type, parameter, weight))
        items.append(space + f"{space};{space}".join(parts) + space)
    wanted = {media_type.lower() for media_type, _, weight, _ in ranges if WEIGHTS[weight]}
    expected = "text/markdown" in wanted and "text/html" not in wanted
    assert media_types.wants_markdown(",".join(items)) == expected
    assert _request(",".join(items)).wants_markdown == expected


@given(st.text(max_size=200))
def test_nothing_that_is_sent_does_harm(accept: str) -> None:
    assert not media_types.wants_markdown(accept) or "markdown" in accept.lower()


def test_who_says_nothing_wants_a_document() -> None:
    assert not Request({**_event(), "headers": {}}).wants_markdown
    assert _request("text/markdown").wants_markdown


def _request(accept: str) -> Request:
    return Request({**_event(), "headers": {"Accept": accept}})


def _event() -> dict[str, object]:
    return {"rawPath": "/", "requestContext": {"http": {"method": "GET"}}}
