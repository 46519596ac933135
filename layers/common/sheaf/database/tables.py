"""The tables. Every row that belongs to a slug or a handle carries its hash slot."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    ColumnElement,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    SmallInteger,
    Table,
    Text,
    Uuid,
    and_,
    false,
    func,
    literal_column,
    not_,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, TSVECTOR

metadata = MetaData()

# Byte order, which is also Python's order of str: sorted streams of several shards can be merged.
_Bytewise = Text(collation="C")
_Instant = DateTime(timezone=True)

pages = Table(
    "pages",
    metadata,
    Column("id", Uuid, primary_key=True, server_default=func.gen_random_uuid()),
    Column("slot", SmallInteger, nullable=False),
    Column("slug", _Bytewise, nullable=False, unique=True),
    # The id that people see, which goes along with a page that moves; NULL: the row's own.
    Column("identity", Uuid),
    # claimed (no revision yet), live, tombstone or redirect
    Column("state", Text, nullable=False),
    # Of a redirect: the slug that the page went to.
    Column("moved_to", _Bytewise),
    Column("version", BigInteger, nullable=False),
    # The last claim: who may write the next version (see claims.py).
    Column("fence", BigInteger, nullable=False),
    Column("owner", Uuid, nullable=False),
    Column("write_id", Uuid),
    # The last edit lease, alive or not (see edit_leases.py).
    Column("lease_holder", Text),
    Column("lease_fence", BigInteger, nullable=False, server_default="0"),
    Column("lease_taken_at", _Instant),
    Column("lease_taken_from", Text),
    Column("lease_expires_at", _Instant),
    Column("title", Text, nullable=False, server_default=""),
    Column("sort_title", _Bytewise, nullable=False, server_default=""),
    Column("tags", ARRAY(Text), nullable=False, server_default="{}"),
    Column("body", Text, nullable=False, server_default=""),
    # The article: see rendering/articles.py.
    Column("html", Text, nullable=False, server_default=""),
    # The text without its markup, for snippets.
    Column("plain", Text, nullable=False, server_default=""),
    Column("blob", Text, nullable=False, server_default=""),
    Column("author", Text, nullable=False, server_default=""),
    # What a search finds it by, and what it says of each word (see search/vectors.py).
    Column("search", TSVECTOR, nullable=False, server_default=""),
    Column("words", ARRAY(SmallInteger), nullable=False, server_default="{}"),
    Column("weights", LargeBinary, nullable=False, server_default=text("'\\x02'")),
    Column("title_words", _Bytewise, nullable=False, server_default=""),
    # How many pages link to it, in snapshots with an even number and with an odd one.
    Column("linked_even", Integer, nullable=False, server_default="0"),
    Column("linked_odd", Integer, nullable=False, server_default="0"),
    Column("created_at", _Instant, nullable=False, server_default=func.now()),
    Column("updated_at", _Instant, nullable=False, server_default=func.now()),
    # How the page got its text, as a revision's; of this version only (see reads.py).
    Column("origin", Text, nullable=False, server_default=""),
    Column("origin_version", BigInteger, nullable=False, server_default="0"),
    # The Markdown file that it came from, if that is called otherwise than the slug.
    Column("file", Text, nullable=False, server_default=""),
    # Which of our renderers has made the HTML; of this version only.
    Column("renderer", SmallInteger, nullable=False, server_default="0"),
    Column("rendered_version", BigInteger, nullable=False, server_default="0"),
    # Room on each block for the row's next versions, so that a claim touches no index (HOT).
    postgresql_with={"fillfactor": 80},
)
# A slug for the order of the tree: a space is before everything that slugs are made of, so what is
# below a folder comes right behind the page of its name, and before `name-x`.
page_path = func.replace(
    pages.c.slug, literal_column("'/'"), literal_column("' '"), type_=_Bytewise
)
# What code has saved that notes no renderer comes before all others.
page_rendering = (pages.c.rendered_version == pages.c.version, pages.c.renderer)


def last_name(slug: ColumnElement[str]) -> ColumnElement[str]:
    """What stands behind the last slash of a slug."""
    before, nothing = literal_column("'^.*/'", Text), literal_column("''", Text)
    return func.regexp_replace(slug, before, nothing, type_=_Bytewise)


def begins_with(column: ColumnElement[str], prefix: str) -> ColumnElement[bool]:
    """Whether a text in byte order begins so, as a range of an index.

    No slug, title or word holds the last code point.
    """
    return and_(column >= prefix, column < prefix + "\U0010ffff")


# Without capitals of ASCII.
folded_slug = func.lower(pages.c.slug, type_=_Bytewise)
folded_name = func.lower(last_name(pages.c.slug), type_=_Bytewise)
# For statements, too: with a state as a parameter no plan could use indexes of one state each.
is_live = pages.c.state == literal_column("'live'")
is_deleted = pages.c.state == literal_column("'tombstone'")
Index("pages_by_update", pages.c.updated_at, pages.c.slug, postgresql_where=is_live)
Index("pages_by_creation", pages.c.created_at, pages.c.slug, postgresql_where=is_live)
Index("pages_by_title", pages.c.sort_title, pages.c.slug, postgresql_where=is_live)
Index("pages_by_title_words", pages.c.title_words, pages.c.slug, postgresql_where=is_live)
Index(
    "pages_title_words",
    pages.c.title_words,
    postgresql_using="gin",
    postgresql_ops={"title_words": "gin_trgm_ops"},
    postgresql_where=is_live,
)
Index("pages_by_author", pages.c.author, pages.c.updated_at, pages.c.slug, postgresql_where=is_live)
Index("pages_by_slug", pages.c.slug, postgresql_where=is_live)
Index("pages_by_path", page_path, postgresql_where=is_live)
Index("pages_by_renderer", *page_rendering, pages.c.slug, postgresql_where=is_live)
Index("pages_by_name", folded_name, folded_slug, postgresql_where=is_live)
Index("pages_deleted_by_update", pages.c.updated_at, pages.c.slug, postgresql_where=is_deleted)
Index("pages_deleted_by_slug", pages.c.slug, postgresql_where=is_deleted)
Index("pages_by_slot", pages.c.slot)
Index("pages_search", pages.c.search, postgresql_using="gin")

revisions = Table(
    "revisions",
    metadata,
    Column("page_id", Uuid, ForeignKey("pages.id"), primary_key=True),
    Column("version", BigInteger, primary_key=True),
    Column("slot", SmallInteger, nullable=False),
    Column("slug", _Bytewise, nullable=False),
    Column("state", Text, nullable=False),
    # The version whose text the author had read; NULL for the first.
    Column("based_on", BigInteger),
    Column("write_id", Uuid, nullable=False, unique=True),
    Column("title", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("body", Text, nullable=False),
    Column("blob", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("comment", Text, nullable=False),
    # Of a page that moved: where its history goes on, later and earlier.
    Column("moved_to", _Bytewise),
    Column("moved_from", _Bytewise),
    Column("created_at", _Instant, nullable=False, server_default=func.now()),
    # How it came about, if by other than an edit: import, restore.
    Column("origin", Text, nullable=False, server_default=""),
    # The page's file then.
    Column("file", Text, nullable=False, server_default=""),
)

# The revisions once more, by time: of the whole site, "", and of each folder. Triggers make and
# remove the rows with those of the revisions. Of a move's two revisions one is the event.
events = Table(
    "events",
    metadata,
    Column("folder", _Bytewise, primary_key=True),
    # When the revision was created.
    Column("at", _Instant, primary_key=True),
    Column("slug", _Bytewise, primary_key=True),
    Column("version", BigInteger, primary_key=True, autoincrement=False),
    Column("page_id", Uuid, nullable=False),
    Column("slot", SmallInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("imported", Boolean, nullable=False),
)
is_edit = not_(events.c.imported)
_IN_TIME = (events.c.at, events.c.slug, events.c.version)
_BY_AUTHOR = (events.c.folder, events.c.author, *_IN_TIME)
Index("events_of_edits", events.c.folder, *_IN_TIME, postgresql_where=is_edit)
Index("events_by_author", *_BY_AUTHOR)
Index("events_of_edits_by_author", *_BY_AUTHOR, postgresql_where=is_edit)

# One row, as long as there are revisions from before events were: up to where they are noted.
unnoted_revisions = Table(
    "unnoted_revisions",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("page_id", Uuid, nullable=False),
    Column("version", BigInteger, nullable=False),
)

links = Table(
    "links",
    metadata,
    Column("source", _Bytewise, primary_key=True),
    Column("target", _Bytewise, primary_key=True),
    Column("slot", SmallInteger, nullable=False),
)
Index("links_by_target", links.c.target, links.c.source)

# The tags of live pages once more, and what people type for each: no index of an array has its rows
# in an order.
page_tags = Table(
    "page_tags",
    metadata,
    Column("slug", _Bytewise, primary_key=True),
    Column("tag", Text, primary_key=True),
    Column("slot", SmallInteger, nullable=False),
    # The page's own.
    Column("updated_at", _Instant, nullable=False),
)
Index("page_tags_by_update", page_tags.c.tag, page_tags.c.updated_at, page_tags.c.slug)
Index("page_tags_by_slug", page_tags.c.tag, page_tags.c.slug)

# Texts that are not saved, each for its author alone.
drafts = Table(
    "drafts",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("slot", SmallInteger, nullable=False),
    Column("slug", _Bytewise, nullable=False),
    Column("author", Text, nullable=False),
    # The version whose text the author had read; NULL for a page that was to be new.
    Column("based_on", BigInteger),
    Column("title", Text, nullable=False),
    Column("tags", ARRAY(Text), nullable=False),
    Column("body", Text, nullable=False),
    Column("comment", Text, nullable=False),
    # By an editor while it was typed; else when it was to be saved, and the lease was lost.
    Column("autosaved", Boolean, nullable=False, server_default=false()),
    Column("created_at", _Instant, nullable=False, server_default=func.now()),
)
Index("drafts_by_author", drafts.c.author, drafts.c.slug, drafts.c.created_at)

# The keys of writes that had one, and what came of them, for whoever sends one again.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("slug", _Bytewise, nullable=False),
    Column("author", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("slot", SmallInteger, nullable=False),
    # The digest of what was sent.
    Column("request", Text, nullable=False),
    # The revision that came of it, and what no revision says.
    Column("page_id", Uuid, nullable=False),
    Column("identity", Uuid),
    Column("version", BigInteger, nullable=False),
    Column("is_new", Boolean, nullable=False),
    Column("page_created_at", _Instant, nullable=False),
    Column("warnings", JSONB, nullable=False),
    Column("created_at", _Instant, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("slug", "author", "method", "key", name="idempotency_keys_pkey"),
)
Index("idempotency_keys_by_age", idempotency_keys.c.created_at)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("slot", SmallInteger, nullable=False),
    Column("slug", _Bytewise, nullable=False),
    Column("version", BigInteger, nullable=False),
    Column("author", Text, nullable=False),
    Column("created_at", _Instant, nullable=False, server_default=func.now()),
)

users = Table(
    "users",
    metadata,
    Column("handle", _Bytewise, primary_key=True),
    Column("slot", SmallInteger, nullable=False),
    Column("edits", BigInteger, nullable=False),
    Column("created_at", _Instant, nullable=False, server_default=func.now()),
)
# Very many people have one edit: in one direction, ties cost nothing.
Index("users_by_edits", -users.c.edits, users.c.handle)

# Which changes of which shard were counted here already, for a while: counting may be tried again.
counted_changes = Table(
    "counted_changes",
    metadata,
    Column("shard", SmallInteger, primary_key=True, autoincrement=False),
    Column("change", BigInteger, primary_key=True, autoincrement=False),
    Column("counted_at", _Instant, nullable=False, server_default=func.now()),
)

# One row: up to which change of a page titles and tags are known to be in their normal form.
names_checked = Table(
    "names_checked",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("updated_at", _Instant, nullable=False),
    Column("slug", _Bytewise, nullable=False),
)

# Home shard only. The newest key signs; all keys that are still here verify.
signing_keys = Table(
    "signing_keys",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("secret", LargeBinary, nullable=False),
    Column("created_at", _Instant, nullable=False, server_default=func.now()),
)

# Home shard only. What was counted of all pages of the site, for search (see pages/snapshots.py).
# `changes` is how many there were since.
search_snapshots = Table(
    "search_snapshots",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("pages", BigInteger, nullable=False),
    Column("langs", ARRAY(Text), nullable=False),
    Column("changes", BigInteger, nullable=False, server_default="0"),
    Column("created_at", _Instant, nullable=False, server_default=func.now()),
)

# Home shard only. How many pages of a snapshot have a lexeme, if not very few have it, and whether
# it is a word of titles.
word_counts = Table(
    "word_counts",
    metadata,
    Column("word", _Bytewise, primary_key=True),
    Column("snapshot", BigInteger, primary_key=True),
    Column("pages", BigInteger, nullable=False),
    Column("is_name", Boolean, nullable=False),
)
Index(
    "word_counts_of_names",
    word_counts.c.word,
    postgresql_using="gin",
    postgresql_ops={"word": "gin_trgm_ops"},
    postgresql_where=word_counts.c.is_name,
)

# Home shard only. One row: where the site is, if its release knows what no function can be told.
site_urls = Table(
    "site_urls",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("url", Text, nullable=False),
)

# Which slots are this shard's, and by which maps: those from one epoch on until, if it moves away,
# another. `owned` may be written; `blocked` (about to leave) and `incoming` may only be read.
slot_owners = Table(
    "slot_owners",
    metadata,
    Column("slot", SmallInteger, primary_key=True, autoincrement=False),
    Column("from_epoch", BigInteger, nullable=False),
    Column("until_epoch", BigInteger),
    Column("mode", Text, nullable=False),
)

Index("slot_owners_by_beginning", slot_owners.c.from_epoch)
Index(
    "slot_owners_by_end",
    slot_owners.c.until_epoch,
    postgresql_where=slot_owners.c.until_epoch.is_not(None),
)

# One row: a caller with an older map than this may not read here any more: it may miss writes.
reader_epochs = Table(
    "reader_epochs",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("least", BigInteger, nullable=False),
)

# Home shard only. The newest one counts. A byte for each slot: the number of its shard.
slot_maps = Table(
    "slot_maps",
    metadata,
    Column("epoch", BigInteger, primary_key=True, autoincrement=False),
    Column("owners", LargeBinary, nullable=False),
    Column("created_at", _Instant, nullable=False, server_default=func.now()),
)

# Home shard only. The slots that are on their way from one shard to another, if any.
slot_moves = Table(
    "slot_moves",
    metadata,
    Column("id", SmallInteger, CheckConstraint("id = 1"), primary_key=True, autoincrement=False),
    Column("source", SmallInteger, nullable=False),
    Column("target", SmallInteger, nullable=False),
    Column("slots", ARRAY(SmallInteger), nullable=False),
    # The epoch of the map in which they have moved.
    Column("epoch", BigInteger, nullable=False),
    Column("step", Text, nullable=False),
    Column("started_at", _Instant, nullable=False, server_default=func.now()),
)

# Home shard only. What became of a transaction on several shards, once that is decided.
decisions = Table(
    "decisions",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("committed", Boolean, nullable=False),
    # Those that prepared a part of it.
    Column("shards", ARRAY(SmallInteger), nullable=False),
    Column("created_at", _Instant, nullable=False, server_default=func.now()),
    # Since when no shard has a part of it that is still prepared, as far as upkeep knows.
    Column("ended_at", _Instant),
)
Index("decisions_by_age", decisions.c.created_at)

# Home shard only. The keys of requests that change several pages, and their answers.
batch_keys = Table(
    "batch_keys",
    metadata,
    Column("author", Text, nullable=False),
    Column("address", Text, nullable=False),
    Column("key", Text, nullable=False),
    # The digest of what was sent.
    Column("request", Text, nullable=False),
    # The id of its decision, if several shards had a part of it.
    Column("batch", Uuid, nullable=False),
    Column("answer", JSONB, nullable=False),
    Column("created_at", _Instant, nullable=False, server_default=func.now()),
    PrimaryKeyConstraint("author", "address", "key", name="batch_keys_pkey"),
)
Index("batch_keys_by_age", batch_keys.c.created_at)
