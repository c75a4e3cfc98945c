"""YouTube: channels and playlists."""

from __future__ import annotations

import re
from datetime import timedelta

from bot import model
from bot.polling.places import kit

_FORM = "youtube:@channel, youtube:UC… (a channel's id) or youtube:PL… (a playlist's id)"


def _feed(rest: str, has_token: bool) -> model.Feed:
    if rest.startswith("@"):
        # A page, which names the channel's feed; a handle may have letters of any script.
        handle = kit.words(rest[1:], form=_FORM)
        return model.Feed(url=f"https://www.youtube.com/@{handle}")
    found = kit.name(re.fullmatch(r"(UC[\w-]{22})|((?:PL|UU|OL|FL)[\w-]{10,60})", rest, re.ASCII), form=_FORM)
    what = f"channel_id={found[1]}" if found[1] else f"playlist_id={found[2]}"
    return model.Feed(url=f"https://www.youtube.com/feeds/videos.xml?{what}")


PLACE = kit.Place(
    name="youtube",
    forms={
        "youtube:@handle": "youtube:@BBCNews",
        "youtube:UC…": "youtube:UC16niRr50-MSBwiO3YDb3RA",
        "youtube:PL…": "youtube:PLS3XGZxi7cBVbnkqlYIcVvXWcUXZC6LpN",
    },
    feed=_feed,
    hosts={"www.youtube.com": kit.alike(every=timedelta(minutes=10), pace=timedelta(seconds=1))},
    outages=frozenset((404, 500)),
    is_page=True,
    # https://developers.google.com/youtube/v3/guides/push_notifications
    hub="https://pubsubhubbub.appspot.com/subscribe",
    topic=lambda url: url.replace("/feeds/", "/xml/feeds/"),
)
