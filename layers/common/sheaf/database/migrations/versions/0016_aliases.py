"""Redirects that are made of a page's aliases are no events: what made them is the page's edit."""

from alembic import op

revision = "0016"
down_revision = "0015"

_NOTE = """
CREATE OR REPLACE FUNCTION note_events() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO events (folder, at, slug, version, page_id, slot, author, imported)
    SELECT folder, created_at, slug, version, page_id, slot, author, origin = 'import'
    FROM added, event_folders(slug, moved_to) AS folder
    WHERE origin <> 'alias'
    ON CONFLICT DO NOTHING;
    RETURN NULL;
END $$
"""


def upgrade() -> None:
    """Apply."""
    op.execute(_NOTE)
