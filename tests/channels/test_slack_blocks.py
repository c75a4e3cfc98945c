"""Block Kit as Slack takes it: golden files, buttons, every limit, and nothing is believed of what comes back."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec.structs import replace

from bot.channels.kit import phrases
from bot.channels.slack import blocks as slack_blocks
from bot.channels.slack.blocks import TOTAL_LIMIT, escape_to, json_length
from bot.model.actions import Judgement, Silence, SilenceKind, Verdict
from bot.model.messages import Message, Span, post_of
from bot.model.stories import StoryId
from bot.testing import hostile, messages
from tests.channels.context import check_golden_blocks, objects
from tests.testbed.made import judgement, silence
from tests.testbed.servers import slack_workspace
from tests.testbed.servers.slack_socket import SocketMode


def judged(verdict: Verdict, by: str, *, rule: str = messages.RULE) -> Judgement:
    return judgement(verdict, id=f"{verdict}{by}{rule}", by=by, rule=rule, story=messages.STORY, at=messages.FIRST)


def silenced(kind: SilenceKind, name: str) -> Silence:
    until = messages.FIRST + timedelta(days=1) if kind is SilenceKind.RULE else None
    return silence(kind, name, at=messages.FIRST, by="amina", channels=("desk",), reason="by button", until=until)


TWO = replace(messages.POST, story=replace(messages.ALONE, why=(messages.WHY, messages.SECOND_WHY)))
ALL: dict[str, Message] = {
    "buttons_post": messages.POST,
    "buttons_two_rules": TWO,
    "buttons_judged": replace(
        messages.GROWN,
        judgements=(judged(Verdict.USEFUL, "U0AMINA"), judged(Verdict.NOISE, "U0BILAL")),
        silences=(silenced(SilenceKind.STORY, messages.STORY), silenced(SilenceKind.RULE, messages.RULE)),
    ),
    "buttons_two_rules_silenced": replace(TWO, silences=(silenced(SilenceKind.RULE, messages.SECOND_WHY.rule),)),
    "buttons_reply": replace(
        messages.NEW_FACT, facts=(replace(messages.NEW_SENTENCE, article=messages.BYLINE.article),)
    ),
    "buttons_listing": replace(messages.LISTING, stories=(messages.VIEW, replace(TWO.story, id=StoryId("0c11d0aa")))),
}


def shown_elements(name: str) -> list[dict[str, Any]]:
    """Return the buttons and menus under a message."""
    blocks = json.loads(json.dumps(slack_blocks.build_blocks(ALL[name], has_buttons=True)))
    return [element for block in blocks if block["type"] == "actions" for element in block["elements"]]


def test_a_silence_says_in_how_many_channels_it_applies() -> None:
    story = silenced(SilenceKind.STORY, messages.STORY)
    for channels, words in (((), "in every channel"), (("desk", "night"), "here and in 1 other channel")):
        shown = replace(messages.GROWN, silences=(replace(story, channels=channels),))
        assert f"This story is silenced {words} by " in str(slack_blocks.build_blocks(shown, has_buttons=True))


@pytest.mark.parametrize(
    ("name", "has_buttons"),
    [
        *((name, False) for name in messages.ALL),
        *((name, True) for name in ALL),
        # Only the message at the head of a thread has buttons.
        ("merged", True),
        ("notice", True),
    ],
)
def test_the_blocks_are_those_of_the_golden_file(name: str, has_buttons: bool) -> None:
    check_golden_blocks(name, slack_blocks.build_blocks({**messages.ALL, **ALL}[name], has_buttons=has_buttons))


@pytest.mark.parametrize("text", [hostile.BAD, "\U0001f4f0 " * 2_000, "&<>" * 3_000], ids=["marks", "signs", "long"])
def test_hundreds_of_decisions_of_people_keep_every_limit_and_ping_nobody(text: str) -> None:
    post = post_of(hostile.every_kind(text, messages.WIRE, many=60)[0])
    assert post is not None
    whys = tuple(replace(why, rule=f"{why.rule}{number}") for number, why in enumerate(post.story.why))
    judgements = tuple(
        judged(verdict, by, rule=why.rule)
        for why in whys[:6]
        for verdict in Verdict
        for by in ("U0AMINA", "<!channel>", *(f"U{number}" for number in range(20)))
    )
    silences = (
        silenced(SilenceKind.STORY, messages.STORY),
        *(silenced(SilenceKind.RULE, why.rule) for why in whys[:6]),
    )
    message = replace(post, story=replace(post.story, why=whys), judgements=judgements, silences=silences)
    blocks = slack_blocks.build_blocks(message, has_buttons=True)
    slack_workspace.check_blocks(json.loads(json.dumps(blocks)))
    assert json_length(blocks) <= TOTAL_LIMIT
    assert all(str(piece["user_id"]).startswith("U") for piece in objects(blocks) if piece.get("type") == "user")


def test_ten_gathered_stories_still_fit_and_the_first_of_them_have_a_menu() -> None:
    stories = tuple(replace(messages.VIEW, id=StoryId(f"{n:020x}")) for n in range(10))
    message = replace(messages.LISTING, stories=stories)
    blocks = slack_blocks.build_blocks(message, has_buttons=True)
    assert json_length(blocks) <= TOTAL_LIMIT
    without = [block for block in blocks if block["type"] != "actions"]
    assert without == slack_blocks.build_blocks(message), "every story has a menu"
    assert len(blocks) - len(without) >= 2


# -- what comes back


def payload(**changes: object) -> dict[str, Any]:
    created = SocketMode.payload(
        shown_elements("buttons_post")[1:2], channel="C000000001", ts="1449046920.000100", user="U0AMINA"
    )
    return {**created, **changes}


def parse_press(made: dict[str, Any]) -> Any:
    return slack_blocks.parse_press(made, envelope="e1")


@pytest.mark.parametrize("name", ALL)
def test_every_element_that_is_shown_is_understood_when_it_comes_back(name: str) -> None:
    for element in shown_elements(name):
        for option in element.get("options", [None]):
            action = {**element, "selected_option": option} if option else element
            assert parse_press(payload(actions=[action])) is not None


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "view_submission"},
        {"actions": []},
        {"actions": "x"},
        {"actions": [{}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:noise:abc", "value": "noise:../../etc"}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:noise:abc", "value": "explode:"}]},
        {"actions": [{"type": "button", "action_id": "other:noise:abc", "value": "noise:"}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:split:abc", "value": "split:0123456789ab"}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:noise:a b", "value": "noise:"}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:noise:abc", "value": {"noise": 1}}]},
        {"actions": [{"type": "overflow", "action_id": "wirewatch:menu:abc", "selected_option": "noise:"}]},
        {"user": {"id": "<!channel>"}},
        {"container": {"type": "view"}},
        {"container": {"type": "message", "channel_id": "C1", "message_ts": "now"}},
        {"container": {"type": "message", "channel_id": "C1 OR 1=1", "message_ts": "1.2"}},
    ],
)
def test_a_payload_of_another_form_is_not_a_press(changes: dict[str, Any]) -> None:
    assert parse_press(payload(**changes)) is None


# -- text and links of strangers


def test_only_web_addresses_are_links_and_each_label_tells_the_true_host() -> None:
    for link in hostile.LINKS:
        for message in hostile.every_kind("bank.example", link, many=1):
            for piece in objects(slack_blocks.build_blocks(message, names_story=True)):
                if piece.get("type") == "link":
                    assert str(piece["url"]).startswith(("https://evil.example", "https://xn--", "https://x.example"))
                    assert "bank.example (" in str(piece["text"])


@pytest.mark.parametrize(
    ("label", "address", "is_honest"),
    [
        ("https://www.dawn.com/news/123", "https://dawn.co/x", False),
        ("bank\u2024com", "https://evil.example/", False),
        ("bank\uff0ecom", "https://evil.example/", False),
        ("dawn.com or evil.com", "https://dawn.com/x", False),
        ("www.dawn.com", "https://www.dawn.com/news/1", True),
        ("epaper.dawn.com: the page", "https://www.dawn.com/news/1", True),
        ("U.S. sues over 3.5 km", "https://www.dawn.com/news/1", True),
    ],
)
def test_a_label_never_shows_another_host_alone(label: str, address: str, is_honest: bool) -> None:
    host = address.split("/")[2].removeprefix("www.")
    assert phrases.link_label(label, address) == (label if is_honest else f"{label} ({host})")
    assert phrases.link_label(" ", address) == host


@given(text=st.text(), limit=st.integers(0, 60))
@example(text="e\u0301" * 30, limit=6)
def test_a_cut_is_never_too_long_and_the_escaping_never_cut(text: str, limit: int) -> None:
    assert phrases.size(phrases.cut(text, limit)) <= limit or phrases.size(text) <= limit
    spans = phrases.clean_spans([Span(text=text), Span(text=text, is_marked=True)], limit)
    assert sum(phrases.size(span.text) for span in spans) <= limit
    escaped = escape_to(text, limit)
    assert phrases.size(escaped) <= limit
    remaining = escaped.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")
    assert not set(remaining) & set("&<>")
