"""Short articles of our own: the example story, its look-alike, and a hand for making more."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from bot.model.archive import Arrival
from bot.model.rules import Evidence, Group, Match
from bot.model.stories import Article, ArticleId, Join, JoinReason, Member, Story, StoryId
from bot.stories.grouping import join, order
from bot.stories.index import Index

START = datetime(2015, 12, 2, 9, 0, tzinfo=UTC)


def article(
    title: str,
    text: str = "",
    *,
    at: datetime = START,
    minutes: float = 0,
    link: str | None = None,
    outlet: str = "Gazette",
    links: tuple[str, ...] = (),
    language: str | None = None,
) -> Article:
    """Return an article, ``minutes`` after a time. Its id follows from outlet, title, text and time."""
    at += timedelta(minutes=minutes)
    key = hashlib.sha256(f"{outlet}\n{title}\n{text}\n{link}\n{at}".encode()).hexdigest()
    return Article(
        id=ArticleId(key[:20]),
        feed=f"https://{outlet.lower()}.example/feed",
        outlet=outlet,
        owner=outlet,
        link=f"https://{outlet.lower()}.example/{key[:8]}" if link is None else link,
        title=title,
        text=text,
        published=at,
        first_seen=at + timedelta(minutes=5),
        links=links,
        language=language,
        fingerprint=key,
    )


def story(*members: Article) -> Story:
    """Return a stored story of these articles, opened by the first."""
    key = StoryId(f"story of {members[0].id}")
    reasons = [JoinReason.OPENED, *[JoinReason.SIMILAR] * (len(members) - 1)]
    return Story(
        id=key,
        title=members[0].title,
        first_seen=min(member.first_seen for member in members),
        last_seen=max(member.first_seen for member in members),
        members=tuple(
            Member(article=member, join=Join(story=key, article=member.id, reason=reason), matches=())
            for member, reason in zip(members, reasons, strict=True)
        ),
    )


def arrival(one: Article, rule: str = "", *terms: str) -> Arrival:
    """Return the article as it arrives; with a rule, it matches these terms in its title or text."""
    evidence = tuple(
        Evidence(label=term, term=term, field=field, text=term, start=text.index(term), end=text.index(term))
        for term in terms
        for field, text in (("title", one.title), ("body", one.text))
        if term in text
    )
    matches = (Match(rule=rule, evidence=evidence),) if rule else ()
    return Arrival(article=one, matches=matches, is_baseline=False)


def put(index: Index, one: Article, *rule: str, mode: Group = Group.NORMAL) -> Join:
    """Add the article to its story; ``rule``: a rule and the terms on which it matched."""
    return join(index, arrival(one, *rule), modes=[mode])


def join_batch(index: Index, arrivals: Iterable[Arrival]) -> tuple[Join, ...]:
    """Join a batch of articles, passed in any order."""
    by_id = {arrival.article.id: arrival for arrival in arrivals}
    return tuple(join(index, by_id[one.id]) for one in order(arrival.article for arrival in by_id.values()))


def threads(index: Index, *articles: Article, rule: str = "", terms: tuple[str, ...] = ()) -> list[StoryId]:
    """The story of each article after all have joined, under a rule where one is named."""
    arrivals = [arrival(item, rule, *terms) for item in articles]
    joins = {join.article: join for join in join_batch(index, arrivals)}
    moved = {younger: join.story for join in joins.values() for younger in join.merges}
    collected = []
    for item in articles:
        story = joins[item.id].story
        while story in moved:
            story = moved[story]
        collected.append(story)
    return collected


EXIT = article(
    "BlackBerry to leave Pakistan over demand for a backdoor",
    "BlackBerry said it will quit Pakistan rather than give the PTA unfettered access to the traffic of its BES "
    "servers. The regulator ordered the service to be shut down in July for security reasons.",
)
MOVED = article(
    "BlackBerry delays exit from Pakistan as deadline moves to 30 December",
    "The PTA has extended its deadline, and BlackBerry will stay in Pakistan until 30 December. The company still "
    "refuses to open its enterprise servers, BES, to the security agencies.",
    at=START + timedelta(hours=7),
    outlet="Mirror",
)
AFFECTED = article(
    "About 5,000 companies affected as BlackBerry quits Pakistan",
    "Some 5,000 companies use BlackBerry Enterprise Service in Pakistan, which the company shuts down after the PTA "
    "demanded access to customers' messages.",
    at=START + timedelta(hours=2),
    outlet="Tribune",
)
#: Another event under the same rule, with the same names.
MESSENGER = article(
    "Sindh lifts ban on BlackBerry Messenger",
    "The government of Sindh has lifted a ban on BlackBerry Messenger, Skype and WhatsApp that it had imposed in the "
    "province over kidnappers in Karachi. The PTA, which regulates telecoms in Pakistan, restores the apps tonight.",
    at=START + timedelta(hours=4),
    outlet="Courier",
)
MESSENGER_AGAIN = article(
    "BlackBerry Messenger and Skype back in Sindh after ban is lifted",
    "Users in Karachi can use BlackBerry Messenger, Skype and WhatsApp again. Sindh had asked the PTA for the ban "
    "because kidnappers used the apps.",
    at=START + timedelta(hours=9),
    outlet="Mirror",
)
