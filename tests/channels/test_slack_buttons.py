"""The buttons under a story: golden Block Kit, every limit, and nothing is believed of what comes back."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace
from slack_sdk.models.blocks import Block

from bot.channels.kit import rendering
from bot.channels.slack import blocks as slack_blocks
from bot.channels.slack.blocks import TEXT_LIMIT, TOTAL_LIMIT, escape_to, json_length
from bot.model.actions import (
    Judgement,
    Noise,
    Silence,
    SilenceKind,
    Verdict,
)
from bot.model.channels import Person
from bot.model.messages import Message, Reply, post_of
from bot.model.stories import StoryId
from bot.testing import hostile, messages
from tests.channels.context import Secrets, build, check_golden_blocks, objects
from tests.testbed.fakes import FakeClock
from tests.testbed.made import judgement, silence
from tests.testbed.servers import slack, slack_rules
from tests.testbed.servers.slack_socket import SocketMode

LAW = messages.SECOND_WHY.rule


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
        judgements=(
            judged(Verdict.USEFUL, "U0AMINA"),
            judged(Verdict.NOISE, "U0BILAL"),
        ),
        silences=(silenced(SilenceKind.STORY, messages.STORY), silenced(SilenceKind.RULE, messages.RULE)),
    ),
    "buttons_two_rules_silenced": replace(TWO, silences=(silenced(SilenceKind.RULE, LAW),)),
    "buttons_listing": replace(messages.LISTING, stories=(messages.VIEW, replace(TWO.story, id=StoryId("0c11d0aa")))),
}


def test_a_silence_says_in_how_many_channels_it_applies() -> None:
    story = silenced(SilenceKind.STORY, messages.STORY)
    for channels, words in (((), "in every channel"), (("desk", "night"), "here and in 1 other channel")):
        shown = replace(messages.GROWN, silences=(replace(story, channels=channels),))
        assert f"This story is silenced {words} by " in str(slack_blocks.build_blocks(shown, has_buttons=True))


@pytest.mark.parametrize("name", ALL)
def test_the_buttons_are_those_of_the_golden_file(name: str) -> None:
    check_golden_blocks(name, slack_blocks.build_blocks(ALL[name], has_buttons=True))


@pytest.mark.parametrize("name", ["buttons_post", "buttons_two_rules", "buttons_judged"])
def test_slack_asks_before_an_action_that_changes_other_channels(name: str) -> None:
    shown: list[dict[str, Any]] = json.loads(json.dumps(slack_blocks.build_blocks(ALL[name], has_buttons=True)))
    [row] = [block for block in shown if block["type"] == "actions"]
    labels = {
        option["text"]["text"].split(":")[0]: "confirm" in element
        for element in row["elements"]
        for option in element.get("options", ())
    }
    confirmed = {label for label, asks in labels.items() if asks}
    assert confirmed <= {"Silence in your channels for a day", "Different event"}
    assert labels["Silence in your channels for a day"]
    assert not labels["Why was this posted?"]
    reply: list[dict[str, Any]] = json.loads(json.dumps(slack_blocks.build_blocks(messages.NEW_FACT, has_buttons=True)))
    [button] = reply[-1]["elements"]
    assert button["text"]["text"] == "Different event"
    assert "confirm" in button


@pytest.mark.parametrize("name", ["merged", "notice"])
def test_only_the_message_at_the_head_of_a_thread_has_buttons(name: str) -> None:
    assert slack_blocks.build_blocks(messages.ALL[name], has_buttons=True) == slack_blocks.build_blocks(
        messages.ALL[name]
    )


def _hostile(step: int) -> Iterator[Message]:
    for message in hostile.ALL[::step]:
        yield message
        post = post_of(message)
        if post is None:
            continue
        judgements = tuple(
            judged(verdict, by, rule=why.rule)
            for why in post.story.why[:6]
            for verdict in Verdict
            for by in ("U0AMINA", "<!channel>", *(f"U{n}" for n in range(20)))
        )
        quiet = tuple(silenced(SilenceKind.RULE, why.rule) for why in post.story.why[:6])
        yield replace(post, judgements=judgements, silences=(silenced(SilenceKind.STORY, messages.STORY), *quiet))
        # One rule per word.
        whys = tuple(replace(why, rule=f"{why.rule}{n}") for n, why in enumerate(post.story.why))
        yield replace(post, story=replace(post.story, why=whys), judgements=judgements)


@pytest.mark.parametrize("step", [9, pytest.param(1, marks=pytest.mark.long)])
def test_hostile_messages_keep_every_limit_and_ping_nobody_with_buttons(step: int) -> None:
    for message in _hostile(step):
        blocks = slack_blocks.build_blocks(message, has_buttons=True)
        text = escape_to(rendering.plain_preview(message), TEXT_LIMIT)
        slack_rules.check_message(
            {"channel": "C1", "text": text, "blocks": json.loads(json.dumps(blocks))},
            known=slack_rules.POST_ARGUMENTS,
        )
        assert json_length(blocks) <= TOTAL_LIMIT
        for block in blocks:
            Block.parse(dict(block)).validate_json()  # type: ignore[union-attr]
        for piece in objects(blocks):
            if piece.get("type") == "user":
                assert str(piece["user_id"]).startswith("U")
            if piece.get("type") == "mrkdwn":
                assert not any(ping in str(piece["text"]) for ping in hostile.PINGS)


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
    [row] = [
        block for block in slack_blocks.build_blocks(messages.POST, has_buttons=True) if block["type"] == "actions"
    ]
    button = json.loads(json.dumps(row))["elements"][1]
    created = SocketMode.payload([button], channel="C000000001", ts="1449046920.000100", user="U0AMINA")
    return {**created, **changes}


def parse_press(made: dict[str, Any]) -> Any:
    return slack_blocks.parse_press(made, envelope="e1")


def test_a_press_says_who_judged_which_story_under_which_rule() -> None:
    press = parse_press(payload())
    assert (press.id, press.person, press.action) == ("e1", Person(id="U0AMINA", name="amina"), Noise())
    assert (press.story, press.place, press.ref) == (messages.STORY, "C000000001", "1449046920.000100")


@pytest.mark.parametrize("name", ALL)
def test_every_element_that_is_shown_is_understood_when_it_comes_back(name: str) -> None:
    shown = json.loads(json.dumps(slack_blocks.build_blocks(ALL[name], has_buttons=True)))
    count = 0
    for element in (item for block in shown if block["type"] == "actions" for item in block["elements"]):
        for option in element.get("options", [None]):
            action = {**element, "selected_option": option} if option else element
            press = parse_press(payload(actions=[action]))
            assert press is not None
            count += 1
    assert count >= 4


@pytest.mark.parametrize(
    "changes",
    [
        {"type": "view_submission"},
        {"actions": []},
        {"actions": "x"},
        {"actions": [None]},
        {"actions": [{}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:noise:abc", "value": "noise:../../etc"}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:noise:abc", "value": "explode:"}]},
        {"actions": [{"type": "button", "action_id": "other:noise:abc", "value": "noise:"}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:everywhere:abc", "value": "everywhere:"}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:split:abc", "value": "split:0123456789ab"}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:noise:abc", "value": "noise:0123456789abcd"}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:noise:a b", "value": "noise:"}]},
        {"actions": [{"type": "button", "action_id": ["wirewatch:noise:abc"], "value": "noise:"}]},
        {"actions": [{"type": "button", "action_id": "wirewatch:noise:abc", "value": {"noise": 1}}]},
        {"actions": [{"type": "overflow", "action_id": "wirewatch:menu:abc", "selected_option": "noise:"}]},
        {"user": None},
        {"user": {"id": "<!channel>"}},
        {"user": {"id": 7}},
        {"container": {"type": "view"}},
        {"container": {"type": "message", "channel_id": "C1", "message_ts": "now"}},
        {"container": {"type": "message", "channel_id": "C1 OR 1=1", "message_ts": "1.2"}},
    ],
)
def test_a_payload_of_another_form_is_not_a_press(changes: dict[str, Any]) -> None:
    assert parse_press(payload(**changes)) is None


# -- looking at the set-up


@pytest.mark.parametrize(
    ("token", "scopes", "help_text"),
    [
        (slack.APP_TOKEN, {"connections:write"}, ""),
        (slack.TOKEN, {"connections:write"}, "xapp-"),
        ("xapp-other", {"connections:write"}, "xapp-"),
        (slack.APP_TOKEN, set(), "scope connections:write"),
    ],
)
async def test_the_check_says_whether_the_app_token_opens_a_connection(
    token: str, scopes: set[str], help_text: str
) -> None:
    with slack.serve() as server:
        server.workspace.add_channel("policy-alerts")
        server.workspace.app_tokens[slack.APP_TOKEN] = scopes
        channel = build(
            "slack",
            secrets=Secrets(TOKEN=slack.TOKEN, APP=token),
            clock=FakeClock(),
            to="#policy-alerts",
            token="env:TOKEN",
            buttons=True,
            app_token="env:APP",
            api_url=server.api_url,
        )
        *_, line = await channel.check()
    assert line.what == "the app token opens a connection for the buttons"
    assert line.is_good is (help_text == "")
    assert help_text in line.help
    assert "other" not in line.help, "no secret in it"


@pytest.mark.parametrize("name", ["new_fact", "correction"])
def test_under_a_reply_its_article_can_be_said_to_tell_another_event(name: str) -> None:
    message = messages.ALL[name]
    assert isinstance(message, Reply)
    assert f'"split:{message.articles[0]}"' in json.dumps(slack_blocks.build_blocks(message, has_buttons=True)[-1])
    assert "actions" not in {block["type"] for block in slack_blocks.build_blocks(message)}
