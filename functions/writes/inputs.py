"""What clients send to write: bodies and headers, validated before anything else looks at them."""

import json
import re
from http import HTTPStatus
from typing import Annotated, Literal
from uuid import UUID

from aws_lambda_powertools.event_handler.openapi.params import Body, Header
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from sheaf import slugs, texts
from sheaf.hashing import content_tag
from sheaf.http import problems
from sheaf.http.conditions import ENTITY_TAG
from sheaf.http.resolver import invalid_fields
from sheaf.pages import events
from sheaf.pages.batches import MAX_CHANGES
from sheaf.pages.changes import Change, Move, Put, Remove
from sheaf.pages.drafts import Typed
from sheaf.pages.idempotency import Key
from sheaf.pages.preconditions import Precondition
from sheaf.rendering.metadata import MAX_TAG, MAX_TAGS, MAX_TITLE
from sheaf.rendering.source import MAX_BYTES

# A proxy that compresses the answer makes its tag weak. The version still names one content, and
# nobody but us gives out such tags: with another one's meaning RFC 9110 would have it not match.
_VERSION_TAG = re.compile(r'(?:W/)?"v([1-9][0-9]{0,17})"')
# Quotes and backslashes in quotes are written with a backslash.
_MAX_KEY = 255
_QUOTED = rf"(?P<quoted>(?:[ !#-\[\]-~]|\\[\"\\]){{1,{_MAX_KEY}}})"
_KEY = re.compile(rf'"{_QUOTED}"|(?P<bare>[!#-+\--\[\]-~]{{1,{_MAX_KEY}}})')
_FENCE = re.compile(r"[1-9][0-9]{0,17}")
_UNSTORABLE = re.compile("[\0\ud800-\udfff]")


def _storable(text: str) -> str:
    if _UNSTORABLE.search(text):
        raise ValueError("must be text without NUL characters and lone surrogates")
    return text


Text = Annotated[str, AfterValidator(_storable)]


def _of_a_page(text: str) -> str:
    if len(text.encode()) > MAX_BYTES:
        raise problems.too_large(f"This text is too long: one may have {MAX_BYTES // 1024**2} MiB.")
    return text


# What its length is, is asked of the text, and not of the JSON that it came in.
PageText = Annotated[Text, AfterValidator(_of_a_page)]
# Lengths are those of the line that is made of what was sent.
_AS_LINE = BeforeValidator(lambda sent: texts.line(sent) if isinstance(sent, str) else sent)
Title = Annotated[str, Field(min_length=1, max_length=MAX_TITLE), _AS_LINE]
Tag = Annotated[str, Field(min_length=1, max_length=MAX_TAG), _AS_LINE]
Comment = Annotated[str, Field(max_length=500), _AS_LINE]
_IS_IMPORT = "`import`: a program brings texts in, and who looks for changes is not told unasked"
Origin = Annotated[
    Literal["import"] | None,
    # Without it a request is the same as before there were origins, to an idempotency key, too.
    Field(description=_IS_IMPORT, exclude_if=lambda origin: origin is None),
]
_IS_FILE = "The Markdown file that it comes from: its path below the folder of all pages"
File = Annotated[
    Annotated[Text, Field(max_length=slugs.MAX_FILE)] | None,
    Field(description=_IS_FILE, exclude_if=lambda file: file is None),
]

IfMatch = Annotated[
    str | None, Header(description='To change a page: the entity tag of what you read, `"v3"`')
]
IfNoneMatch = Annotated[str | None, Header(description="To create a page: `*`")]
IdempotencyKey = Annotated[
    str | None, Header(description="Your name for this request, so that it may be sent again")
]
LeaseFence = Annotated[str | None, Header(description="The fence of the edit lease you hold")]


TabName = Annotated[str, Field(pattern="^[A-Za-z0-9-]{1,40}$")]


class PageInput(BaseModel):
    """A page's new text. Title and tags come from the text unless they are given."""

    model_config = ConfigDict(extra="forbid", strict=True)

    body: PageText
    title: Title | None = None
    tags: Annotated[list[Tag], Field(max_length=MAX_TAGS)] | None = None
    comment: Comment = ""
    origin: Origin = None
    file: File = None


_Version = Annotated[int, Field(ge=1, le=2**62)]


class KeptVersion(BaseModel):
    """A version in a page's history: in another one's with its slug."""

    model_config = ConfigDict(extra="forbid", strict=True)

    version: _Version
    slug: Text | None = None


def _by_name(sent: object) -> object:
    # A number alone is a version of the page's own.
    return sent if isinstance(sent, dict) else {"version": sent}


class RestoreInput(BaseModel):
    """A version that a page is to have again. Text, title and tags are those of that version."""

    model_config = ConfigDict(extra="forbid", strict=True)

    restore: Annotated[
        KeptVersion, BeforeValidator(_by_name, json_schema_input_type=_Version | KeptVersion)
    ]
    comment: Comment = ""

    @property
    def origin(self) -> str:
        """As a PageInput's: nobody else sets this one."""
        return events.RESTORE

    @property
    def file(self) -> None:
        """The page keeps its own."""


def _as_one_of_them(sent: object) -> BaseModel:
    # Left to choose, pydantic would tell of a wrong body what either model says of it.
    restores = isinstance(sent, dict) and "restore" in sent
    return (RestoreInput if restores else PageInput).model_validate(sent)


NextVersion = Annotated[PageInput | RestoreInput, BeforeValidator(_as_one_of_them), Body()]


class MoveInput(BaseModel):
    """Which page is to move, in which version, and to where."""

    model_config = ConfigDict(extra="forbid", strict=True)

    source: Annotated[Text, Field(alias="from")]
    to: Text
    if_match: str

    def change(self) -> Move:
        """What it stands for; raises BadSlug and a Problem."""
        slug, moved_to = slugs.parse(self.source), slugs.parse(self.to)
        slugs.check_new(moved_to)
        return Move(slug, moved_to, _of_change(self.if_match, None))


class ChangeInput(PageInput):
    """One of a batch: a page's text as in `PageInput`, and its precondition.

    A page that is there keeps what is not sent along: all but its tags, say.
    """

    slug: Text
    body: PageText | None = None  # type: ignore[assignment]
    if_match: str | None = None
    if_none_match: str | None = None

    def change(self) -> Change:
        """What it stands for; raises BadSlug and a Problem."""
        slug, condition = slugs.parse(self.slug), _of_change(self.if_match, self.if_none_match)
        if condition.versions is None:
            slugs.check_new(slug)
        return Put(
            *(slug, condition, self.body, self.title, self.tags, self.comment),
            origin=self.origin or "",
            file=file_of(slug, self.file, "file"),
        )


class DeletionInput(BaseModel):
    """One of a batch: a page is deleted."""

    model_config = ConfigDict(extra="forbid", strict=True)

    slug: Text
    delete: Literal[True]
    if_match: str
    origin: Origin = None

    def change(self) -> Change:
        """As ChangeInput's."""
        condition = _of_change(self.if_match, None)
        return Remove(slugs.parse(self.slug), condition, self.origin or "")


def _as_its_kind(sent: object) -> BaseModel:
    # As for a page's next version: what is wrong is then told of the members that were sent.
    names = sent if isinstance(sent, dict) else {}
    kind = MoveInput if "from" in names else DeletionInput if "delete" in names else ChangeInput
    return kind.model_validate(sent)


class BatchInput(BaseModel):
    """Changes that are all done or none."""

    model_config = ConfigDict(extra="forbid", strict=True)

    changes: Annotated[
        list[Annotated[ChangeInput | DeletionInput | MoveInput, BeforeValidator(_as_its_kind)]],
        Field(min_length=1, max_length=MAX_CHANGES),
    ]


class PreviewInput(BaseModel):
    """A text to be rendered and forgotten; `slug` and `file` are its page's, for relative links."""

    model_config = ConfigDict(extra="forbid", strict=True)

    body: PageText
    slug: Text = "home"
    file: File = None


class MergeInput(BaseModel):
    """A text, and the version that it was made of; without one it was to be a new page."""

    model_config = ConfigDict(extra="forbid", strict=True)

    body: PageText
    base: Annotated[int, Field(ge=1, lt=10**18)] | None = None


class DraftInput(BaseModel):
    """What somebody has typed on a version (none: a new page), and the draft that it replaces."""

    model_config = ConfigDict(extra="forbid", strict=True)

    body: PageText
    comment: Comment = ""
    based_on: _Version | None = None
    replaces: Annotated[UUID, Field(strict=False)] | None = None

    def typed(self) -> Typed:
        """What it stands for."""
        return Typed(self.body, self.comment, self.based_on, self.replaces)


class PresenceInput(BaseModel):
    """In which of somebody's tabs a page is edited: a name that the tab has given itself."""

    model_config = ConfigDict(extra="forbid", strict=True)

    tab: TabName


class LeaseInput(BaseModel):
    """For how many seconds an edit lease is wanted, and whether even from its holder."""

    model_config = ConfigDict(extra="forbid", strict=True)

    seconds: Annotated[int, Field(ge=10, le=3600)] = 120
    take_over: bool = False


def precondition(
    if_match: str | None,
    if_none_match: str | None,
    names: tuple[str, str] = ("If-Match", "If-None-Match"),
) -> Precondition:
    """The precondition in a write's headers, or where they are named otherwise.

    Raises a 428 Problem when there is none and a 400 Problem when it cannot be understood.
    """
    match, none_match = names
    if if_match is not None and if_none_match is not None:
        raise problems.bad_request(f"Send {match} or {none_match}, not both.")
    if if_none_match is not None:
        if if_none_match.strip() != "*":
            raise problems.bad_request(f"{none_match} on a write takes only *.")
        return Precondition(None)
    if if_match is None:
        raise problems.precondition_required(match, none_match)
    return Precondition(_versions(if_match, match))


def _of_change(if_match: str | None, if_none_match: str | None) -> Precondition:
    return precondition(if_match, if_none_match, ("if_match", "if_none_match"))


def _versions(if_match: str, name: str) -> frozenset[int]:
    if if_match.strip() == "*":
        raise problems.bad_request(f'{name} must name the version read, such as "v3".')
    if not ENTITY_TAG.search(if_match):
        raise problems.bad_request(f'{name} holds entity tags in quotes, such as "v3".')
    # A foreign tag is well-formed and matches no version: the answer will be 412.
    tags = (tag.strip() for tag in if_match.split(","))
    return frozenset(int(found[1]) for tag in tags if (found := _VERSION_TAG.fullmatch(tag)))


def file_of(slug: str, sent: str | None, name: str = "body.file") -> str | None:
    """The file of a page as a Write has it; raises a 422 Problem, of what it is called there."""
    if sent is None:
        return None
    try:
        slugs.check_file(sent, slug)
    except slugs.BadFile as error:
        raise invalid_fields(HTTPStatus.UNPROCESSABLE_ENTITY, [(name, str(error))]) from error
    return "" if sent == f"{slug}.md" else sent


def key_of(header: str, author: str, method: str, *request: str | BaseModel | None) -> Key:
    """The key in an `Idempotency-Key` header, of what was sent; raises a 400 Problem.

    It is a string in quotes, as structured fields have it (RFC 9651), or the same without them.
    """
    found = _KEY.fullmatch(header.strip())
    if not found:
        detail = f"Idempotency-Key holds 1 to {_MAX_KEY} letters of ASCII, in quotes if there are"
        raise problems.bad_request(f"{detail} spaces, commas, quotes or backslashes among them.")
    text = found["bare"] or re.sub(r"\\(.)", r"\1", found["quoted"])
    sent = [part.model_dump() if isinstance(part, BaseModel) else part for part in request]
    return Key(text, author, method, content_tag(json.dumps(sent).encode()))


def lease_fence(header: str | None) -> int | None:
    """The fence in a `Sheaf-Lease` header, None without one; raises a 400 Problem."""
    if header is None:
        return None
    if not _FENCE.fullmatch(header.strip()):
        raise problems.bad_request("Sheaf-Lease holds the fence of an edit lease: a number.")
    return int(header)
