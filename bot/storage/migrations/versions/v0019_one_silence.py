"""Convert mutes of stories and snoozes of rules into silences. Active ones stay active."""

from __future__ import annotations

import hashlib
import json

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision: str | None = "0018"

_REASON = "by button, in an earlier version"
_GONE = ("muted", "unmuted", "snoozed", "woken")

_judgements = sa.table(
    "judgements", *(sa.column(name) for name in ("n", "at", "by", "name", "channel", "story", "verdict", "rule"))
)
_until = sa.column("until", sa.BigInteger())
_alerts = sa.table("alerts", *(sa.column(name) for name in ("story", "channel", "state", "alert")))
_stories = sa.table("stories", sa.column("id"), sa.column("merged_into"), sa.column("last_seen"))
_outbox = sa.table("outbox", sa.column("id"), sa.column("message"))
_names = ("id", "at", "by", "kind", "name", "channels", "reason", "until", "ended_by")
_silences = sa.table("silences", *(sa.column(name) for name in _names))


def upgrade() -> None:
    with op.batch_alter_table("silences") as silences:
        silences.add_column(sa.Column("channels", sa.Text(), nullable=False, server_default="[]"))
        silences.alter_column("until", existing_type=sa.BigInteger(), nullable=True)
    connection = op.get_bind()
    silences_to_add = [*_of_stories(connection), *_of_rules(connection)]
    if silences_to_add:
        connection.execute(sa.insert(_silences), silences_to_add)
    connection.execute(sa.delete(_judgements).where(_judgements.c.verdict.in_(_GONE)))
    _clean_messages(connection)
    op.drop_column("judgements", "until")


def _of_stories(connection: sa.Connection) -> list[dict[str, object]]:
    """Return a silence without an end for each muted alert."""
    rows = []
    muted = sa.and_(_alerts.c.alert.contains('"is_muted":true'), _alerts.c.state != "merged")
    for story, channel in connection.execute(sa.select(_alerts.c.story, _alerts.c.channel).where(muted)).all():
        # The muted message may be from a story that was merged into this one.
        of_story = sa.select(_stories.c.id).where(sa.or_(_stories.c.id == story, _stories.c.merged_into == story))
        was_muted = sa.and_(
            _judgements.c.channel == channel, _judgements.c.verdict == "muted", _judgements.c.story.in_(of_story)
        )
        last = sa.select(_judgements).where(was_muted).order_by(_judgements.c.n.desc()).limit(1)
        row = connection.execute(last).one_or_none()
        last_seen = connection.execute(sa.select(_stories.c.last_seen).where(_stories.c.id == story)).scalar_one()
        at, by = (row.at, row.name or row.by) if row else (last_seen, "somebody")
        rows.append(_silence("story", story, channel, at=at, by=by, until=None))
    return rows


def _of_rules(connection: sa.Connection) -> list[dict[str, object]]:
    """Return a silence, with the snooze's end, for each rule and channel whose last change was a snooze."""
    of_rules = sa.select(_judgements, _until).where(_judgements.c.verdict.in_(("snoozed", "woken")))
    last = {(row.channel, row.rule): row for row in connection.execute(of_rules.order_by(_judgements.c.n))}
    return [
        _silence("rule", row.rule, row.channel, at=row.at, by=row.name or row.by, until=row.until)
        for row in last.values()
        if row.verdict == "snoozed" and row.until is not None
    ]


def _silence(kind: str, name: str, channel: str, *, at: int, by: str, until: int | None) -> dict[str, object]:
    key = hashlib.sha256(json.dumps([kind, name, channel, at]).encode()).hexdigest()[:8]
    channels = json.dumps([channel], ensure_ascii=False)
    return dict(zip(_names, (key, at, by, kind, name, channels, _REASON, until, ""), strict=True))


def _clean_messages(connection: sa.Connection) -> None:
    """Remove mutes and snoozes from messages. The next edit of a message shows the silence."""
    shows = sa.or_(*(_outbox.c.message.contains(f'"verdict":"{verdict}"') for verdict in _GONE))
    for name, document in connection.execute(sa.select(_outbox.c.id, _outbox.c.message).where(shows)).all():
        message = json.loads(document)
        message["judgements"] = [
            judgement for judgement in message.get("judgements", ()) if judgement["verdict"] not in _GONE
        ]
        changed = json.dumps(message, ensure_ascii=False, separators=(",", ":"))
        connection.execute(sa.update(_outbox).where(_outbox.c.id == name).values(message=changed))
