"""Noting: revisions from before there were events become events, some at a time.

Those that came later are noted by the database itself (see migration 0011).
"""

from sqlalchemy import Connection, text

# The next revisions by their key are noted, unless they are already, and the place is kept; after
# the last one it is removed. Without a place nothing is left to do.
_NOTE = text("""
WITH place AS MATERIALIZED (SELECT page_id, version FROM unnoted_revisions FOR UPDATE),
found AS MATERIALIZED (
    SELECT r.page_id, r.version, slot, slug, author, created_at, moved_to, origin
    FROM place CROSS JOIN LATERAL (
        SELECT * FROM revisions
        WHERE (page_id, version) > (place.page_id, place.version)
        ORDER BY page_id, version LIMIT :limit
    ) AS r
),
noted AS (
    INSERT INTO events (folder, at, slug, version, page_id, slot, author, imported)
    SELECT folder, created_at, slug, version, page_id, slot, author, origin = 'import'
    FROM found CROSS JOIN LATERAL event_folders(slug, moved_to) AS folder
    WHERE origin <> 'alias'
    ON CONFLICT DO NOTHING
),
last AS (SELECT page_id, version FROM found ORDER BY page_id DESC, version DESC LIMIT 1),
gone_on AS (
    UPDATE unnoted_revisions SET page_id = last.page_id, version = last.version FROM last
),
done AS (DELETE FROM unnoted_revisions WHERE NOT EXISTS (SELECT FROM found))
SELECT count(*) FROM found
""")


def note(connection: Connection, limit: int) -> int:
    """Note the next `limit` revisions of a shard; how many there were: none when all are noted.

    It may be ended at any moment, and two may be at it.
    """
    noted: int = connection.execute(_NOTE, {"limit": limit}).scalar_one()
    return noted
