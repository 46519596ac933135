"""Events: the revisions of the site and of each folder, by time; and where the site is.

The database makes and removes their rows itself, with those of the revisions. So no code can forget
them: not the code of before, nor what copies revisions to another shard. Revisions that are there
already are noted by upkeep (see noting.py), for here they would keep writers waiting.
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"

_SLUG, _INSTANT = sa.Text(collation="C"), sa.DateTime(timezone=True)

# A page is in the whole site, "", and in each folder that its slug begins with. Of a move the
# arrival tells: its other half is for those only who do not see that.
_FOLDERS = """
CREATE FUNCTION event_folders(slug text, moved_to text) RETURNS SETOF text
LANGUAGE sql IMMUTABLE ROWS 3 AS $$
    SELECT array_to_string(names[1:depth], '/')
    FROM string_to_array(slug, '/') AS names, generate_series(0, cardinality(names) - 1) AS depth
    WHERE moved_to IS NULL
        OR depth > 0 AND NOT starts_with(moved_to, array_to_string(names[1:depth], '/') || '/')
$$
"""
_NOTE = """
CREATE FUNCTION note_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (folder, at, slug, version, page_id, slot, author, imported)
    SELECT folder, created_at, slug, version, page_id, slot, author, origin = 'import'
    FROM added, event_folders(slug, moved_to) AS folder
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""
_FORGET = """
CREATE FUNCTION forget_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    DELETE FROM events
    USING removed CROSS JOIN LATERAL event_folders(removed.slug, removed.moved_to) AS above
    WHERE events.folder = above AND events.at = removed.created_at
        AND events.slug = removed.slug AND events.version = removed.version;
    RETURN NULL;
END $$
"""
_TRIGGERS = (
    "CREATE TRIGGER note_events AFTER INSERT ON revisions"
    " REFERENCING NEW TABLE AS added FOR EACH STATEMENT EXECUTE FUNCTION note_events()",
    "CREATE TRIGGER forget_events AFTER DELETE ON revisions"
    " REFERENCING OLD TABLE AS removed FOR EACH STATEMENT EXECUTE FUNCTION forget_events()",
)


def upgrade() -> None:
    """Apply."""
    op.add_column("revisions", sa.Column("origin", sa.Text(), server_default="", nullable=False))
    _create_events()
    for statement in (_FOLDERS, _NOTE, _FORGET, *_TRIGGERS):
        op.execute(statement)
    op.create_table(
        "unnoted_revisions",
        _one_row(),
        sa.Column("page_id", sa.Uuid(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1"),
    )
    op.execute(
        "INSERT INTO unnoted_revisions SELECT 1, '00000000-0000-0000-0000-000000000000', 0"
        " WHERE EXISTS (SELECT FROM revisions)"
    )
    op.create_table(
        "site_urls",
        _one_row(),
        sa.Column("url", sa.Text(), nullable=False),
        sa.CheckConstraint("id = 1"),
    )


def _create_events() -> None:
    op.create_table(
        "events",
        sa.Column("folder", _SLUG, nullable=False),
        sa.Column("at", _INSTANT, nullable=False),
        sa.Column("slug", _SLUG, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("page_id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.SmallInteger(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("imported", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("folder", "at", "slug", "version"),
    )
    edits, order = sa.text("NOT imported"), ["at", "slug", "version"]
    by_author = ["folder", "author", *order]
    op.create_index("events_of_edits", "events", ["folder", *order], postgresql_where=edits)
    op.create_index("events_by_author", "events", by_author)
    op.create_index("events_of_edits_by_author", "events", by_author, postgresql_where=edits)


def _one_row() -> sa.Column[int]:
    return sa.Column("id", sa.SmallInteger(), primary_key=True, autoincrement=False)
