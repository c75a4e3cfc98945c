"""The first schema."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision: str | None = None

_SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_IS_UNSENT = sa.text("state IN ('pending', 'sending', 'unknown', 'parked')")


def upgrade() -> None:
    _feeds()
    _host_limits()
    _articles()
    _sightings()
    _versions()
    _matches()
    _stories()
    _members()
    _decisions()
    _alerts()
    _outbox()
    _tellings()
    _notes()


def _feeds() -> None:
    op.create_table(
        "feeds",
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("is_listed", sa.Boolean(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("retry_after", sa.BigInteger()),
        sa.Column("gone", sa.Boolean(), nullable=False),
        sa.Column("lease", sa.Text()),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("url", name="pk_feeds"),
    )
    op.create_index("ix_feeds_is_listed_due_at", "feeds", ["is_listed", "due_at"])


def _host_limits() -> None:
    op.create_table(
        "host_limits",
        sa.Column("host", sa.Text(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("host", name="pk_host_limits"),
    )


def _articles() -> None:
    op.create_table(
        "articles",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("outlet", sa.Text(), nullable=False),
        sa.Column("owner", sa.Text(), nullable=False),
        sa.Column("link", sa.Text(), nullable=False),
        sa.Column("link_key", sa.LargeBinary()),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("title_key", sa.LargeBinary(), nullable=False),
        sa.Column("author", sa.Text()),
        sa.Column("language", sa.Text()),
        sa.Column("published", sa.BigInteger()),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("is_full_text", sa.Boolean(), nullable=False),
        sa.Column("has_text", sa.Boolean(), nullable=False),
        sa.Column("tags", sa.Text(), nullable=False),
        sa.Column("links", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_articles"),
    )
    op.create_index("ix_articles_fingerprint", "articles", ["fingerprint"])
    op.create_index("ix_articles_first_seen", "articles", ["first_seen"])
    op.create_index(
        "ix_articles_archive",
        "articles",
        ["first_seen"],
        sqlite_where=sa.text("has_text = 1"),
        postgresql_where=sa.text("has_text"),
    )
    op.create_index("ix_articles_link_key", "articles", ["link_key"])
    op.create_index("ix_articles_title_key", "articles", ["title_key"])


def _sightings() -> None:
    op.create_table(
        "sightings",
        sa.Column("key", sa.LargeBinary(), nullable=False),
        sa.Column("feed", sa.Text(), nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["articles.id"], name="fk_sightings_article", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("key", name="pk_sightings"),
    )
    op.create_index("ix_sightings_article", "sightings", ["article"])


def _versions() -> None:
    op.create_table(
        "versions",
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("fingerprint", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["articles.id"], name="fk_versions_article", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("article", "version", name="pk_versions"),
    )


def _matches() -> None:
    op.create_table(
        "matches",
        sa.Column("n", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("rule_version", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["articles.id"], name="fk_matches_article", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("n", name="pk_matches"),
    )
    op.create_index("uq_matches_article_rule", "matches", ["article", "rule"], unique=True)


def _stories() -> None:
    op.create_table(
        "stories",
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("first_seen", sa.BigInteger(), nullable=False),
        sa.Column("last_seen", sa.BigInteger(), nullable=False),
        sa.Column("merged_into", sa.Text()),
        sa.ForeignKeyConstraint(
            ["merged_into"],
            ["stories.id"],
            name="fk_stories_merged_into",
            ondelete="SET NULL",
            initially="DEFERRED",
            deferrable=True,
        ),
        sa.PrimaryKeyConstraint("id", name="pk_stories"),
    )
    op.create_index("ix_stories_last_seen", "stories", ["last_seen"])
    op.create_index(
        "ix_stories_merged_into",
        "stories",
        ["merged_into"],
        sqlite_where=sa.text("merged_into IS NOT NULL"),
        postgresql_where=sa.text("merged_into IS NOT NULL"),
    )


def _members() -> None:
    op.create_table(
        "members",
        sa.Column("n", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("article", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("copy_of", sa.Text()),
        sa.Column("merges", sa.Text(), nullable=False),
        sa.Column("is_baseline", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["article"], ["articles.id"], name="fk_members_article"),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name="fk_members_story", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("n", name="pk_members"),
    )
    op.create_index("ix_members_article", "members", ["article"])
    op.create_index("uq_members_story_article", "members", ["story", "article"], unique=True)


def _decisions() -> None:
    op.create_table(
        "decisions",
        sa.Column("n", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("article", sa.Text()),
        sa.Column("decision", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name="fk_decisions_story", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("n", name="pk_decisions"),
    )
    op.create_index("ix_decisions_at", "decisions", ["at"])
    op.create_index("ix_decisions_story", "decisions", ["story"])


def _alerts() -> None:
    op.create_table(
        "alerts",
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("held_until", sa.BigInteger()),
        sa.Column("posted_at", sa.BigInteger()),
        sa.Column("alert", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["story"], ["stories.id"], name="fk_alerts_story", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("story", "channel", name="pk_alerts"),
    )
    op.create_index("ix_alerts_channel_posted_at", "alerts", ["channel", "posted_at"])
    op.create_index("ix_alerts_state_held_until", "alerts", ["state", "held_until"])


def _outbox() -> None:
    op.create_table(
        "outbox",
        sa.Column("seq", _SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("thread", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("story", sa.Text()),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("parked_from", sa.Text()),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("due_at", sa.BigInteger(), nullable=False),
        sa.Column("lease", sa.Text()),
        sa.Column("lease_until", sa.BigInteger()),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("is_plain", sa.Boolean(), nullable=False),
        sa.Column("is_top_level", sa.Boolean(), nullable=False),
        sa.Column("tried_at", sa.BigInteger()),
        sa.Column("error", sa.Text()),
        sa.Column("receipt", sa.Text()),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name="pk_outbox"),
    )
    op.create_index("ix_outbox_channel_state", "outbox", ["channel", "state"])
    op.create_index(
        "ix_outbox_unsent", "outbox", ["thread", "seq"], sqlite_where=_IS_UNSENT, postgresql_where=_IS_UNSENT
    )
    op.create_index("uq_outbox_id", "outbox", ["id"], unique=True)


def _tellings() -> None:
    op.create_table(
        "tellings",
        sa.Column("story", sa.Text(), nullable=False),
        sa.Column("send", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["send"], ["outbox.id"], name="fk_tellings_send", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("story", "send", name="pk_tellings"),
    )
    op.create_index("ix_tellings_send", "tellings", ["send"])


def _notes() -> None:
    op.create_table(
        "notes",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_notes"),
    )
