"""Which slots each shard owns, the map of all of them, their moves, and what was counted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Apply."""
    instant = sa.DateTime(timezone=True)
    op.create_table(
        "slot_owners",
        sa.Column("slot", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("from_epoch", sa.BigInteger(), nullable=False),
        sa.Column("until_epoch", sa.BigInteger(), nullable=True),
        sa.Column("mode", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("slot"),
    )
    op.create_index("slot_owners_by_beginning", "slot_owners", ["from_epoch"], unique=False)
    op.create_index(
        "slot_owners_by_end",
        "slot_owners",
        ["until_epoch"],
        unique=False,
        postgresql_where=sa.text("until_epoch IS NOT NULL"),
    )
    op.create_table(
        "reader_epochs",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("least", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("id = 1"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.create_table(
        "slot_maps",
        sa.Column("epoch", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("owners", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("epoch"),
    )
    op.create_table(
        "counted_changes",
        sa.Column("shard", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("change", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("counted_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("shard", "change"),
    )
    op.create_table(
        "slot_moves",
        sa.Column("id", sa.SmallInteger(), autoincrement=False, nullable=False),
        sa.Column("source", sa.SmallInteger(), nullable=False),
        sa.Column("target", sa.SmallInteger(), nullable=False),
        sa.Column("slots", postgresql.ARRAY(sa.SmallInteger()), nullable=False),
        sa.Column("epoch", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.Text(), nullable=False),
        sa.Column("started_at", instant, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("id = 1"),
        sa.PrimaryKeyConstraint("id"),
    )
    op.execute("INSERT INTO reader_epochs VALUES (1, 0)")
