"""A busy hour on every kind of channel: many stories beyond the rate cap, sent to strict local servers.

The stories have long headlines and links. After each poll, a reader looks at every channel and writes down which
headlines are shown with their link. What was shown once must stay.

    python -m bench.quality.gathered [--stories 150]
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import dataclasses
import html
import io
import random
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.message import EmailMessage
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from msgspec.structs import replace

from bot import channels, rules, storage
from bot.config.settings import Settings
from bot.model.alerts import AlertAction, Decision, Reason
from bot.model.channels import Channel, ChannelFeatures
from bot.model.rules import Line, Rule, Severity
from bot.model.stories import Member, Story, StoryId
from bot.pipeline import messages
from bot.pipeline.dispatch import Dispatcher
from bot.pipeline.send import Sender
from bot.pipeline.turn import ChangedStory, Turn
from tests.channels import services
from tests.channels.context import Secrets, build
from tests.channels.services import Service
from tests.stories.members import article, match, member, rule, story
from tests.testbed import fresh
from tests.testbed.fakes import START, FakeClock
from tests.testbed.made_settings import make_settings
from tests.testbed.servers import discord, faulty, mattermost, slack, smtp, teams

_WORDS = (
    "regulator court bank ferry tariff satellite harbour cabinet senator glacier vaccine refinery pipeline embassy "
    "union strike merger shipment drought ceasefire referendum budget railway copyright antitrust broadband telecom "
    "encryption passport sanctions hospital airline parliament governor minister inquiry ruling appeal licence"
).split()
#: Stories per hour and channel that get a message of their own.
_CAP = 5
_POLLS, _HOURS_AFTER = 6, 3


@dataclass(frozen=True, slots=True)
class Headline:
    """A headline and its link, as a reader sees them."""

    title: str
    link: str


@dataclass(slots=True, kw_only=True)
class Reader:
    """What one channel shows."""

    channel: Channel
    features: ChannelFeatures
    #: Return the text of each visible message, with each link as “label <address>”.
    texts: Callable[[], Sequence[str]]
    #: Messages that notified readers, by the number of polls after which they were there.
    messages: list[int] = field(default_factory=list)
    #: Headlines that were shown after the last poll, and those that an edit removed.
    shown: set[Headline] = field(default_factory=set)
    lost: set[Headline] = field(default_factory=set)

    def read(self, headlines: Sequence[Headline]) -> None:
        """Look at the channel."""
        texts = [re.sub(r"[\s\u2060]+", " ", text) for text in self.texts()]
        shown = {headline for headline in headlines if any(_is_shown(headline, text) for text in texts)}
        self.lost |= self.shown - shown
        self.shown = shown
        self.messages.append(len(texts))


def _is_shown(headline: Headline, text: str) -> bool:
    # The address follows its headline, at most one line below.
    place = text.find(headline.title)
    return place >= 0 and headline.link in text[place : place + len(headline.title) + 200 + len(headline.link)]


def _make_story(number: int, rng: random.Random) -> Story:
    """Return a story with a headline of 60 to 200 characters and a link of 40 to 300."""
    title, length = f"Agency {number}:", rng.randint(60, 200)
    while len(title) < length - 12:
        title += f" {rng.choice(_WORDS)}"
    link = f"https://news{number}.example/"
    link += "".join(rng.choice("abcdefghij0123456789-/") for _ in range(rng.randint(40, 300) - len(link)))
    text = " ".join(rng.choice(_WORDS) for _ in range(40)).capitalize() + "."
    opening = replace(article(title, text, outlet=f"News {number % 17}"), link=link.rstrip("/-"))
    rule_name = "Urgent" if number % 20 == 19 else "R"
    first = member(opening, match(opening, rule_name, ("topic", "title", "Agency")))
    return replace(story(first), id=StoryId(f"story-{number}"), title=title)


def _add_outlet(known: Story, number: int) -> tuple[Story, Member]:
    """Return the story with the article of another outlet, which makes its message change."""
    words = known.title.split()[2:]
    text = f"Officials spoke of {' and '.join(words[:6])} on the second day."
    other = article(f"More on {' '.join(words)}", text, outlet=f"Late Post {number}", minutes=30)
    joined = member(other, match(other, "R", ("topic", "body", words[0])))
    return replace(known, members=(*known.members, joined), last_seen=other.first_seen), joined


async def first_look(folder: Path, *, stories: int, left_out: int) -> Mapping[str, Reader]:
    """Send the stories of a first look to every kind of channel. Return what each channel shows."""
    clock = FakeClock(START)
    store = storage.open_store(fresh.archive(folder / "wirewatch.db"), clock=clock)
    created, headlines = _make_stories(stories)
    with contextlib.ExitStack() as servers:
        readers = _open_channels(servers, clock)
        settings = _make_settings(readers)

        def write(tx: storage.Transaction) -> None:
            changes = [ChangedStory(item, arrivals=list(item.members)) for item in created]
            _save(tx, changes)
            turn = Turn(tx, settings, clock.now())
            for channel in readers:
                post = partial(Decision, at=turn.now, channel=channel, action=AlertAction.POST, reason=Reason.BASELINE)
                posts = [post(story=item.id, rules=("R",)) for item in created]
                lead = f"{stories} of {stories + left_out} stories found on the first look at new feeds"
                for row, _ in messages.listing_rows(turn, posts, lead=lead, left_out=(("R", left_out),)):
                    turn.post(row)
            turn.changes.write(tx)

        await store.write(write)
        by_name = {name: reader.channel for name, reader in readers.items()}
        await Sender(store, by_name, clock, settings=lambda: settings).drain(timedelta(hours=2))
        for reader in readers.values():
            reader.read(headlines)
        await store.close()
    return readers


async def run(folder: Path, *, stories: int) -> Mapping[str, Reader]:
    """Send the stories of one hour to every kind of channel. Return what each channel shows in the end."""
    clock = FakeClock(START)
    store = storage.open_store(fresh.archive(folder / "wirewatch.db"), clock=clock)
    created, headlines = _make_stories(stories)
    with contextlib.ExitStack() as servers:
        readers = _open_channels(servers, clock)
        settings = _make_settings(readers)
        by_name = {name: reader.channel for name, reader in readers.items()}
        for poll in range(_POLLS + _HOURS_AFTER):
            start, end = min(poll, _POLLS) * stories // _POLLS, min(poll + 1, _POLLS) * stories // _POLLS
            changes = [ChangedStory(item, arrivals=list(item.members)) for item in created[start:end]]
            for place in range(poll % 5, start, 7):
                created[place], joined = _add_outlet(created[place], poll)
                changes.append(ChangedStory(created[place], arrivals=[joined]))
            now = clock.now()
            await store.write(partial(_decide, settings=settings, now=now, changes=changes))
            await Sender(store, by_name, clock, settings=lambda: settings).drain(timedelta(hours=2))
            for reader in readers.values():
                reader.read(headlines)
            # After the hour, channels without edits get the stories that wait for the rate cap.
            clock.set(now + timedelta(minutes=10 if poll < _POLLS else 60))
        await store.close()
    return readers


def _make_stories(count: int) -> tuple[list[Story], list[Headline]]:
    rng = random.Random(35)
    created = [_make_story(number, rng) for number in range(count)]
    return created, [Headline(item.members[0].article.title, item.members[0].article.link) for item in created]


def _make_settings(readers: Mapping[str, Reader]) -> Settings:
    return make_settings(
        rules=[rules.compile_rule(item) for item in _rules(tuple(readers))],
        channels={name: reader.features for name, reader in readers.items()},
        posts_per_hour=_CAP,
        public_url="https://wirewatch.example",
    )


def _rules(channels: tuple[str, ...]) -> Iterator[Rule]:
    for name, severity in (("R", Severity.NORMAL), ("Urgent", Severity.HIGH)):
        yield dataclasses.replace(rule(name, severity), notify=channels, all=(Line(label="topic", terms=("Agency",)),))


def _decide(tx: storage.Transaction, *, settings: Settings, now: datetime, changes: Sequence[ChangedStory]) -> None:
    _save(tx, changes)
    turn = Turn(tx, settings, now)
    dispatcher = Dispatcher(turn)
    dispatcher.dispatch(changes)
    dispatcher.release(turn.due_alerts())
    turn.changes.write(tx)


def _save(tx: storage.Transaction, changes: Sequence[ChangedStory]) -> None:
    for change in changes:
        for joined in change.arrivals:
            tx.articles.add([joined.article])
            tx.articles.add_matches(joined.article.id, joined.matches)
        tx.stories.save(replace(change.story, members=tuple(change.arrivals)))


# -- the channels, and what their readers see


def _open_channels(servers: contextlib.ExitStack, clock: FakeClock) -> Mapping[str, Reader]:
    def open_channel(kind: str, texts: Callable[[], Sequence[str]], *, secret: str = "", **keys: object) -> Reader:
        options = channels.options()[kind].model_validate(keys)
        return Reader(
            channel=build(kind, options, secrets=Secrets(A=secret, B=slack.APP_TOKEN), clock=clock),
            features=channels.features_of(kind, options),
            texts=texts,
        )

    fast = {"pace": "0 seconds"}
    readers: dict[str, Reader] = {}
    for name, (service, texts, more) in _CHATS.items():
        server = servers.enter_context(service.serve())
        keys = {**service.keys(server), **fast, **more}
        readers[name] = open_channel(service.kind, partial(texts, server), secret=service.secret(server), **keys)
    mails = servers.enter_context(smtp.serve())
    address = {"to": "desk@example.org", "sender": "bot@example.org", "server": f"127.0.0.1:{mails.port}"}
    readers["email"] = open_channel(
        "email",
        lambda: [_without_tags(_part(mail, "html")) for mail in mails.mails],
        security="none",
        **address,
        **fast,
    )
    hook, apprise = (servers.enter_context(faulty.serve(faulty.Always())) for _ in range(2))
    readers["webhook"] = open_channel(
        "webhook",
        lambda: _documents([request.body for _, request in hook.requests]),
        secret=f"{hook.url}/hook",
        url="env:A",
        **fast,
    )
    readers["apprise"] = open_channel(
        "apprise",
        lambda: [f"{request.body['title']}\n{request.body['message']}" for _, request in apprise.requests],
        secret=apprise.url.replace("http:", "json:"),
        url="env:A",
        **fast,
    )
    printed = servers.enter_context(contextlib.redirect_stdout(io.StringIO()))
    readers["console"] = open_channel("console", lambda: [printed.getvalue()])
    return readers


def _on_slack(server: slack.Server) -> list[str]:
    return [_elements(message["blocks"]) for message in server.workspace.messages("policy-alerts")]


def _elements(value: object) -> str:
    if isinstance(value, list):
        return "".join(map(_elements, value))
    if not isinstance(value, dict):
        return ""
    link = f" <{value['url']}> " if "url" in value else ""
    text = value.get("text", "")
    return (text if isinstance(text, str) else _elements(text)) + link + _elements(value.get("elements", []))


def _on_discord(server: faulty.Server[discord.Guild]) -> list[str]:
    return [_unmarked(message.text) for message in services.DISCORD.shown(server)]


def _on_mattermost(server: faulty.Server[mattermost.Mattermost]) -> list[str]:
    return [_unmarked(post["message"]) for post in server.service.posts("policy-alerts")]


def _unmarked(markdown: str) -> str:
    return markdown.replace("\\", "").replace("**", "")


def _on_telegram(message: Mapping[str, Any]) -> str:
    text: bytes = message["text"].encode("utf-16-le")
    links = [entity for entity in message["entities"] if entity["type"] == "text_link"]
    for entity in sorted(links, key=lambda entity: -entity["offset"]):
        end = 2 * (entity["offset"] + entity["length"])
        text = text[:end] + f" <{entity['url']}>".encode("utf-16-le") + text[end:]
    return text.decode("utf-16-le")


def _without_tags(page: str) -> str:
    with_links = re.sub(r'<a href="([^"]*)"[^>]*>(.*?)</a>', r"\2 &lt;\1&gt;", page, flags=re.DOTALL)
    return html.unescape(re.sub(r"<[^>]*>", " ", with_links))


def _on_teams(card: Mapping[str, Any]) -> str:
    runs = [run for _, line in teams.lines(card) for run in line]
    return "".join(run["text"] + (f" <{run['selectAction']['url']}> " if "selectAction" in run else "") for run in runs)


def _part(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content())


def _documents(documents: Sequence[Mapping[str, Any]]) -> list[str]:
    """An edit replaces the message that it names."""
    newest = {document["edits"] or document["id"]: document for document in documents}
    return [f"{document['title']}\n{document['text']}" for document in newest.values()]


#: Name -> the service, what its readers see, with each link behind its label, and more keys of the channel.
_CHATS: Mapping[str, tuple[Service, Callable[[Any], Sequence[str]], Mapping[str, object]]] = {
    "slack": (services.SLACK, _on_slack, {}),
    "slack with buttons": (services.SLACK, _on_slack, {"buttons": True, "app_token": "env:B"}),
    "discord": (
        services.DISCORD,
        _on_discord,
        {},
    ),
    "telegram": (
        services.TELEGRAM,
        lambda server: list(map(_on_telegram, server.service.messages())),
        {},
    ),
    "mattermost": (services.MATTERMOST, _on_mattermost, {}),
    "mattermost, max_length 4000": (services.MATTERMOST, _on_mattermost, {"max_length": 4_000}),
    "teams": (services.TEAMS, lambda server: [_on_teams(card) for card in server.service.cards], {}),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--stories", type=int, default=150)
    stories = parser.parse_args().stories
    structlog.configure(processors=[], logger_factory=structlog.ReturnLoggerFactory())
    with tempfile.TemporaryDirectory() as folder:
        readers = asyncio.run(run(Path(folder), stories=stories))
    print(f"{stories} stories        shown and linked   removed by an edit   messages")
    for name, reader in readers.items():
        print(f"{name:28} {len(reader.shown):8} {len(reader.lost):20} {reader.messages[-1]:10}")


if __name__ == "__main__":
    main()
