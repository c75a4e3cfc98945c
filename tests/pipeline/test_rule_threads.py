"""A rule with ``group: rule`` makes one thread of all that it matches, with each further event as a reply."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import time, timedelta
from zoneinfo import ZoneInfo

import pytest

from bot import storage
from bot.channels.kit import rendering
from bot.model.actions import RulingKind, SilenceKind
from bot.model.messages import MessageKind, Outgoing
from bot.model.rules import Group, Line
from bot.model.settings import QuietHours
from tests.pipeline.desk import DAY, HOUR, Desk, Report, rule
from tests.testbed import made
from tests.testbed.shown import facts_of, story_post

EXIT: Report = (
    "BlackBerry to leave Pakistan over backdoor demand",
    "BlackBerry ends its business in Pakistan because the PTA demanded a backdoor into its BES servers.",
)
EXIT_TOO: Report = (
    "BlackBerry leaves Pakistan after PTA demand for a backdoor",
    "BlackBerry ends its business in Pakistan after the PTA demanded a backdoor into the BES servers of the company.",
)
FINE: Report = ("Shop in Multan fined for BlackBerry sales", "A judge fined the owner of a market stall 9,000 rupees.")
FINE_TOO: Report = (
    "Multan shop is fined for sales of BlackBerry phones",
    "A judge in Multan fined the owner of a market stall 9,000 rupees for his sales.",
)

LOSS: Report = ("BlackBerry posts quarterly loss", "Revenue of the Waterloo firm fell to 490 million dollars.")
CHIEF: Report = ("New security chief at BlackBerry", "She led the cryptography team of a bank in Zurich before.")


def shown(rows: list[Outgoing]) -> list[tuple[str, str]]:
    """Return the kind of each message, and the headlines that are new in it."""
    return [
        (row.message.kind.value, " | ".join(fact.after for fact in facts_of(row.message) if fact.is_event))
        if row.message.kind is MessageKind.REPLY
        else (row.message.kind.value, " | ".join(brief.title.text for brief in row.message.stories))
        for row in rows
    ]


def others(row: Outgoing) -> list[str]:
    """Return the headlines of other events that a message lists."""
    return [line.title for brief in row.message.stories for line in brief.other_reports]


@pytest.fixture(params=[False, True], ids=["runs on", "restarts"])
def desk(request: pytest.FixtureRequest) -> Iterator[Desk]:
    with storage.open_in_memory() as tx:
        yield Desk(tx, restarts=request.param)


def test_each_further_event_is_a_reply_and_a_report_of_a_known_event_is_silent(desk: Desk) -> None:
    assert shown(desk.arrive(EXIT)) == [("post", EXIT[0])]
    assert shown(desk.arrive(FINE)) == [("reply", FINE[0])]
    assert desk.arrive(EXIT_TOO, outlet="Tribune") == []
    assert desk.arrive(FINE_TOO, outlet="Mirror") == []
    assert shown(desk.arrive(LOSS)) == [("reply", LOSS[0])]
    (story,) = desk.stories
    assert story.thread == "affair"
    assert [len(members) for members in story.events.values()] == [2, 2, 1]


def test_the_message_counts_the_outlets_of_its_own_event_and_lists_every_other_headline(desk: Desk) -> None:
    desk.arrive(EXIT)
    desk.arrive(FINE, outlet="Tribune")
    desk.arrive(FINE_TOO, outlet="Mirror")
    desk.arrive(LOSS, outlet="Echo")
    (brief,) = desk.head.message.stories
    assert (brief.title.text, brief.owner_count, brief.coverage) == (EXIT[0], 1, ())
    assert others(desk.head) == [LOSS[0], FINE[0], FINE_TOO[0]]
    latest = story_post(desk.head.message).latest
    assert latest is not None
    assert latest.after == LOSS[0]


def test_several_events_of_one_turn_are_a_message_and_a_reply_that_names_each(desk: Desk) -> None:
    post, reply = desk.arrive(EXIT, FINE, LOSS)
    assert post.message.kind is MessageKind.POST
    headlines = {post.message.stories[0].title.text, *(fact.after for fact in facts_of(reply.message))}
    assert headlines == {EXIT[0], FINE[0], LOSS[0]}
    assert reply.thread == post.id


def test_a_reply_has_the_outlet_the_link_the_time_and_the_first_sentence(desk: Desk) -> None:
    desk.arrive(EXIT)
    title, text = FINE
    (reply,) = desk.arrive((title, f"MULTAN, Dec 2 (Wire) - {text} He will appeal."), outlet="Tribune")
    (fact,) = facts_of(reply.message)
    assert (fact.outlet, fact.sentence, fact.stated_at) == ("Tribune", text, desk.now)
    assert fact.link.startswith("https://tribune.example/")


@pytest.mark.parametrize(("pause", "kind"), [(3 * DAY, "reply"), (3 * DAY + HOUR, "post")])
def test_coverage_that_pauses_longer_than_quiet_begins_a_new_message(desk: Desk, pause: timedelta, kind: str) -> None:
    desk.use(rule(quiet=3 * DAY))
    desk.arrive(EXIT)
    assert shown(desk.arrive(FINE, after=pause)) == [(kind, FINE[0])]


def test_a_thread_may_pause_for_longer_than_a_story_is_open(desk: Desk) -> None:
    desk.use(rule(quiet=30 * DAY), window=5 * DAY)
    desk.arrive(EXIT)
    assert shown(desk.arrive(FINE, after=20 * DAY)) == [("reply", FINE[0])]
    assert shown(desk.arrive(LOSS, after=40 * DAY)) == [("post", LOSS[0])]


def test_a_rule_that_gets_the_key_later_keeps_its_stories_and_begins_a_thread_with_the_next_event(desk: Desk) -> None:
    desk.use(rule(group=Group.NORMAL))
    desk.arrive(EXIT)
    desk.use(rule())
    assert desk.arrive(EXIT_TOO, outlet="Tribune") == []
    assert shown(desk.arrive(FINE)) == [("post", FINE[0])]
    assert shown(desk.arrive(LOSS)) == [("reply", LOSS[0])]
    assert [len(story.members) for story in desk.stories] == [2, 2]


def test_an_event_waits_for_its_own_outlets(desk: Desk) -> None:
    desk.use(rule(min_outlets=2))
    assert desk.arrive(EXIT) == []
    assert desk.arrive(FINE, outlet="Tribune") == [], "two events of one outlet each"
    assert shown(desk.arrive(FINE_TOO, outlet="Mirror")) == [("post", FINE[0])]
    assert others(desk.head) == []
    assert shown(desk.arrive(EXIT_TOO, outlet="Echo")) == [("reply", EXIT[0])]


def test_what_came_in_quiet_hours_is_listed_in_one_message(desk: Desk) -> None:
    quiet = QuietHours(start=time(8), end=time(20), zone=ZoneInfo("UTC"))
    desk.use(rule(), channels=["desk"], quiet_hours=quiet)
    assert [desk.arrive(EXIT), desk.arrive(FINE)] == [[], []]
    desk.now += 12 * HOUR
    (message,) = desk.release()
    assert (message.message.stories[0].title.text, others(message)) == (EXIT[0], [FINE[0]])
    assert desk.arrive(FINE_TOO, outlet="Mirror") == []
    assert shown(desk.arrive(LOSS)) == [("reply", LOSS[0])]


def test_replies_do_not_count_as_posts_of_the_hour(desk: Desk) -> None:
    desk.use(rule(posts_per_hour=1))
    rows = [*desk.arrive(EXIT), *desk.arrive(FINE, after=HOUR / 6), *desk.arrive(LOSS, after=HOUR / 6)]
    assert shown(rows) == [("post", EXIT[0]), ("reply", FINE[0]), ("reply", LOSS[0])]


def test_an_article_of_another_rule_joins_an_event_of_the_thread_and_opens_none(desk: Desk) -> None:
    fines = rule(name="fines", all=(Line(label="fine", terms=("fined",)),), group=Group.NORMAL)
    desk.use(fines, rule())
    desk.arrive(EXIT)
    desk.arrive(FINE)
    title, text = FINE_TOO
    assert desk.arrive((title.replace("BlackBerry ", ""), text), outlet="Mirror") == []
    (other,) = desk.arrive(("Bank in Lisbon fined", "The central bank ordered a penalty."), outlet="Echo")
    assert other.message.kind is MessageKind.POST
    assert [len(story.members) for story in desk.stories] == [3, 1]


def test_the_channel_of_another_rule_gets_only_the_events_that_this_rule_matches(desk: Desk) -> None:
    fines = rule(name="fines", all=(Line(label="fine", terms=("fined",)),), group=Group.NORMAL, notify=("courts",))
    desk.use(rule(), fines)
    desk.arrive(EXIT)
    rows = [*desk.arrive(FINE), *desk.arrive(LOSS)]
    (message,) = [row for row in rows if row.channel == "courts"]
    assert (message.message.stories[0].title.text, others(message)) == (FINE[0], [])
    assert shown([row for row in rows if row.channel == "desk"]) == [("reply", FINE[0]), ("reply", LOSS[0])]


def test_an_article_of_two_such_rules_goes_to_the_thread_of_the_first_one(desk: Desk) -> None:
    courts = rule(name="courts", all=(Line(label="judge", terms=("judge",)),))
    desk.use(courts, rule())
    desk.arrive(EXIT)
    assert [kind for kind, _ in shown(desk.arrive(FINE))] == ["post"]
    assert shown(desk.arrive(LOSS)) == [("reply", LOSS[0])]
    assert [(story.thread, len(story.members)) for story in desk.stories] == [("affair", 2), ("courts", 1)]


def test_events_during_a_silence_of_the_rule_are_not_told_afterwards(desk: Desk) -> None:
    desk.arrive(EXIT)
    desk.tx.silences.add(made.silence(SilenceKind.RULE, "affair", at=desk.now, until=desk.now + 3 * HOUR))
    assert desk.arrive(FINE) == []
    assert shown(desk.arrive(LOSS, after=5 * HOUR)) == [("reply", LOSS[0])]
    assert FINE[0] in others(desk.head)


def test_articles_that_people_split_off_stay_outside_and_attract_their_event(desk: Desk) -> None:
    desk.arrive(EXIT)
    desk.arrive(FINE)
    (thread,) = desk.stories
    rows = desk.rule(RulingKind.SPLIT, thread, articles=(thread.members[1].article.id,))
    assert ("post", FINE[0]) in shown(rows)
    assert desk.arrive(FINE_TOO, outlet="Mirror") == []
    assert shown(desk.arrive(LOSS)) == [("reply", LOSS[0])]
    by_thread = {story.thread: [member.article.title for member in story.members] for story in desk.stories}
    assert by_thread == {"affair": [EXIT[0], LOSS[0]], None: [FINE[0], FINE_TOO[0]]}


def test_two_threads_that_people_make_one_go_on_as_one(desk: Desk) -> None:
    desk.use(rule(quiet=DAY))
    desk.arrive(EXIT)
    desk.arrive(FINE)
    desk.arrive(LOSS, after=2 * DAY)
    older, younger = desk.stories
    desk.rule(RulingKind.MERGE, younger, other=older.id)
    (thread,) = desk.stories
    assert [len(members) for members in thread.events.values()] == [2, 1], "the younger message is the older event"
    assert shown(desk.arrive(CHIEF)) == [("reply", CHIEF[0])]
    assert desk.arrive(FINE_TOO, outlet="Mirror") == []


def test_a_value_that_another_event_has_told_is_not_told_again(desk: Desk) -> None:
    exit_by = "BlackBerry will leave Pakistan on the deadline, 30 November, the PTA said."
    desk.arrive((EXIT[0], f"{EXIT[1]} {exit_by}"))
    moved = "The PTA moved the deadline for BlackBerry to leave Pakistan from 30 November to 30 December."
    first = desk.arrive((f"{EXIT_TOO[0]}, deadline moved", f"{EXIT_TOO[1]} {moved}"), outlet="Tribune")
    again = desk.arrive((f"{EXIT_TOO[0]} as deadline is moved", f"{moved} {EXIT_TOO[1]}"), outlet="Mirror")
    assert len(first) == 1
    assert "30 December" in str(facts_of(first[0].message))
    assert again == []


def test_a_value_that_was_told_as_another_event_is_not_told_again_in_the_first_one(desk: Desk) -> None:
    exit_by = "BlackBerry will leave Pakistan on the deadline, 30 November, the PTA said."
    desk.arrive((EXIT[0], f"{EXIT[1]} {exit_by}"))
    moved = "The PTA moved the deadline for BlackBerry to leave Pakistan from 30 November to 30 December."
    month = (
        "Minister grants the phone maker one more month",
        "BlackBerry gets time until 30 December, he told parliament.",
    )
    assert shown(desk.arrive(month, outlet="Tribune")) == [("reply", month[0])]
    assert desk.arrive((f"{EXIT_TOO[0]}, deadline moved", f"{EXIT_TOO[1]} {moved}"), outlet="Mirror") == []
    assert [len(members) for members in desk.stories[0].events.values()] == [2, 1]


def test_a_gathered_first_look_lists_the_headline_of_every_event_of_a_thread(desk: Desk) -> None:
    banks = rule(name="banks", all=(Line(label="bank", terms=("bank",)),), group=Group.NORMAL)
    desk.use(rule(), banks, channels=["desk"])
    desk.arrive(EXIT, FINE, LOSS, ("Bank in Lisbon closes", "The bank closes its doors."), is_baseline=True)
    (message,) = desk.release()
    assert message.message.kind is MessageKind.LISTING
    text = rendering.plain_message(message.message)
    assert all(title in text for title in (EXIT[0], FINE[0], LOSS[0], "Bank in Lisbon closes"))
    assert desk.arrive(FINE_TOO, outlet="Mirror") == []
    post, reply = desk.arrive(CHIEF)
    assert (post.message.kind, shown([reply])) == (MessageKind.POST, [("reply", CHIEF[0])])
