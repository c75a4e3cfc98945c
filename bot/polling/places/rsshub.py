"""RSSHub: a route of a server that makes feeds of other places' pages."""

from __future__ import annotations

import re
from datetime import timedelta

from bot import model
from bot.polling.places import kit

_FORM = "rsshub:/route/of/rsshub, or rsshub:https://your.server/route"


def _feed(rest: str, has_token: bool) -> model.Feed:
    found = kit.name(
        re.fullmatch(r"(https?://[\w.-]{1,200}(?::\d{1,5})?)?(/(?!/)[\w./~@:+,%=&?!*()-]{1,500})", rest, re.ASCII),
        form=_FORM,
    )
    base = found[1] or "https://rsshub.app"
    # A route's owner is the place that it reads, not the server.
    return model.Feed(url=f"{base}{found[2]}", owner=f"rsshub:{found[2].partition('?')[0].strip('/')}")


PLACE = kit.Place(
    name="rsshub",
    forms={
        "rsshub:/ROUTE": "rsshub:/apnews/topics/apf-topnews",
        "rsshub:https://SERVER/ROUTE": "rsshub:https://rsshub.example.org/apnews/topics/apf-topnews",
    },
    feed=_feed,
    hosts={"rsshub.app": kit.alike(every=timedelta(minutes=20), pace=timedelta(seconds=5))},
    outages=frozenset((503,)),
)
