"""Pages by the hundred thousand, made by the database itself: none of them was ever saved."""

import psycopg

# The hash slot of a slug, as sheaf.hashing.slot finds it.
SLOT = (
    "(get_byte(sha256(convert_to({slug}, 'UTF8')), 6) & 15) * 256"
    " + get_byte(sha256(convert_to({slug}, 'UTF8')), 7)"
)
_FILL = f"""
    INSERT INTO pages (slot, slug, state, version, fence, owner, write_id, title, sort_title, tags,
                       body, html, blob, author, created_at, updated_at, origin_version)
    SELECT slot, slug, 'live', 1, 1, gen_random_uuid(), gen_random_uuid(), title, lower(title),
           ARRAY['bench', 'lists'], 'A small page.', '<p>A small page.</p>', repeat(md5(slug), 2),
           'author-' || number %% 100, instant, instant, 1
    FROM (SELECT number, slug, 'Page ' || number AS title, {SLOT.format(slug="slug")} AS slot,
                 TIMESTAMPTZ '2020-01-01 00:00Z' + number * INTERVAL '1 minute' AS instant
          FROM (SELECT number, 'guide/page-' || number AS slug
                FROM generate_series(1, %(rows)s) AS number) AS named) AS page
    WHERE slot * %(shards)s / 4096 = %(shard)s
"""


def fill(url: str, rows: int, shards: int = 1, shard: int = 0) -> None:
    """Make those of `rows` small pages that belong on this shard when all slots are spread."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(_FILL, {"rows": rows, "shards": shards, "shard": shard})
    settle(url)


def empty(url: str) -> None:
    """Remove all pages."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("TRUNCATE pages CASCADE")


def settle(url: str) -> None:
    """Do now what autovacuum would begin in the middle of a measurement."""
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("VACUUM (ANALYZE) pages")
        connection.execute("CHECKPOINT")
