"""A link is known by the key that all its forms share: http and https, with www. and without."""

from __future__ import annotations

import hashlib

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision: str | None = "0006"

_BATCH = 1_000

_articles = sa.table(
    "articles", sa.column("id", sa.Text()), sa.column("link", sa.Text()), sa.column("link_key", sa.LargeBinary())
)
_NEXT = (
    sa.select(_articles.c.id, _articles.c.link)
    .where(_articles.c.id > sa.bindparam("after"), _articles.c.link != "")
    .order_by(_articles.c.id)
    .limit(_BATCH)
)
_SET = _articles.update().where(_articles.c.id == sa.bindparam("of_id")).values(link_key=sa.bindparam("to_key"))


def upgrade() -> None:
    connection = op.get_bind()
    after = ""
    while rows := connection.execute(_NEXT, {"after": after}).all():
        connection.execute(_SET, [{"of_id": row.id, "to_key": _digest(_place(row.link))} for row in rows])
        after = rows[-1].id


def _place(link: str) -> str:
    scheme, _, rest = link.partition("://")
    if not scheme or not rest:
        return link
    rest = rest.removeprefix("www.")
    return rest if rest.partition("/")[2] else link


def _digest(text: str) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.sha256(len(data).to_bytes(8, "big") + data).digest()[:16]
