"""Storage: PostgreSQL through SQLAlchemy Core. Pages, revisions, users, outbox, migrations."""
