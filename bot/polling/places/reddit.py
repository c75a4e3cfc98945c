"""Reddit: the newest posts of a subreddit, a user or a search."""

from __future__ import annotations

import re
from datetime import timedelta

from bot import model
from bot.polling.places import kit

_FORM = "reddit:r/name, reddit:r/one+other, reddit:u/name or reddit:search/words"


def _feed(rest: str, has_token: bool) -> model.Feed:
    if rest.startswith("search/"):
        # It has posts of many subreddits, whose links are all Reddit's: they count as one owner.
        path, owner = "search", "reddit.com"
        asked = f"?q={kit.words(rest.removeprefix('search/'), form=_FORM)}&sort=new"
    else:
        found = kit.name(
            re.fullmatch(r"(?:r/(\w{2,30}(?:\+\w{2,30}){0,50})|u(?:ser)?/([\w-]{2,30}))/?", rest, re.ASCII), form=_FORM
        )
        path = f"r/{found[1]}/new" if found[1] else f"user/{found[2]}/submitted"
        owner, asked = f"reddit.com/{rest.strip('/')}", "?"
    if not has_token:
        end = ".rss" if path == "search" else "/.rss"
        return model.Feed(url=f"https://www.reddit.com/{path}{end}{asked.rstrip('?')}", owner=owner)
    # The API: JSON, whose titles would be HTML without raw_json.
    url = f"https://oauth.reddit.com/{path}{asked}&raw_json=1".replace("?&", "?")
    return model.Feed(url=url, owner=owner, kind="reddit")


PLACE = kit.Place(
    name="reddit",
    forms={
        "reddit:r/NAME (or several: r/one+other)": "reddit:r/pakistan+technology",
        "reddit:u/NAME": "reddit:u/reuters",
        "reddit:search/WORDS": "reddit:search/BlackBerry Pakistan",
    },
    feed=_feed,
    hosts={
        "www.reddit.com": kit.alike(every=timedelta(minutes=30), pace=timedelta(seconds=61)),
        "oauth.reddit.com": kit.alike(every=timedelta(minutes=2), pace=timedelta(seconds=1)),
    },
)
