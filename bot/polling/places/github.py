"""GitHub: releases, tags, and security advisories."""

from __future__ import annotations

import re
from datetime import timedelta

from bot import model
from bot.polling.places import kit

_FORM = "github:owner/name, github:owner/name/tags, github:owner/name/advisories or github:advisories/pip/package"
_NAME = r"[\w.-]{1,100}"
_ECOSYSTEM = "composer|erlang|actions|go|maven|npm|nuget|other|pip|pub|rubygems|rust|swift"
_API = "https://api.github.com"


def _feed(rest: str, has_token: bool) -> model.Feed:
    if rest == "advisories" or rest.startswith("advisories/"):
        found = kit.name(
            re.fullmatch(rf"advisories(?:/({_ECOSYSTEM})(?:/([\w.@/-]{{1,200}}))?)?", rest, re.ASCII), form=_FORM
        )
        asked = f"&ecosystem={found[1]}" if found[1] else ""
        asked += f"&affects={found[2]}" if found[2] else ""
        return model.Feed(
            url=f"{_API}/advisories?sort=published&direction=desc&per_page=100{asked}",
            owner="github.com",
            kind="advisories",
        )
    found = kit.name(re.fullmatch(rf"({_NAME}/{_NAME})(?:/(releases|tags|advisories))?", rest, re.ASCII), form=_FORM)
    if found[2] == "advisories":
        return model.Feed(
            url=f"{_API}/repos/{found[1]}/security-advisories?per_page=50",
            owner=f"github.com/{found[1]}",
            kind="advisories",
        )
    return model.Feed(
        url=f"https://github.com/{found[1]}/{found[2] or 'releases'}.atom", owner=f"github.com/{found[1]}"
    )


PLACE = kit.Place(
    name="github",
    forms={
        "github:OWNER/NAME (its releases; also /tags)": "github:django/django",
        "github:OWNER/NAME/advisories": "github:django/django/advisories",
        "github:advisories/ECOSYSTEM/PACKAGE (or only advisories)": "github:advisories/pip/django",
    },
    feed=_feed,
    hosts={
        "github.com": kit.alike(pace=timedelta(seconds=1)),
        "api.github.com": (
            kit.Etiquette(every=timedelta(minutes=15), pace=timedelta(seconds=2)),
            kit.Etiquette(pace=timedelta(seconds=1)),
        ),
    },
)
