"""Alembic's entry point: runs migrations on the connection that `schema.upgrade` opened."""

from alembic import context

from sheaf.database.tables import metadata

context.configure(connection=context.config.attributes["connection"], target_metadata=metadata)
with context.begin_transaction():
    context.run_migrations()
