"""Bluesky: the public posts of an account."""

from __future__ import annotations

import re
from datetime import timedelta

from bot import model
from bot.polling.places import kit

_FORM = "bluesky:name.bsky.social, or the account's did:plc:…"


def _feed(rest: str, has_token: bool) -> model.Feed:
    found = kit.name(
        re.fullmatch(
            r"did:(?:plc|web):[\w.:%-]{4,200}|[a-zA-Z0-9-]+(?:\.[a-zA-Z0-9-]+)+", rest.removeprefix("@"), re.ASCII
        ),
        form=_FORM,
    )
    account = found[0] if found[0].startswith("did:") else found[0].lower()
    return model.Feed(url=f"https://bsky.app/profile/{account}/rss", owner=f"bluesky:{account}")


PLACE = kit.Place(
    name="bluesky",
    forms={
        "bluesky:HANDLE": "bluesky:bbcnews.bsky.social",
        "bluesky:did:plc:…": "bluesky:did:plc:z72i7hdynmk6r22z27h6tvur",
    },
    feed=_feed,
    hosts={"bsky.app": kit.alike(pace=timedelta(seconds=1))},
)
