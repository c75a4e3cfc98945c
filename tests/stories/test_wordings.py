"""One event in eight wordings, and another event of the same rule among them, without a language model."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

from bot.model.stories import JoinReason
from bot.stories.index import Index
from tests.stories.examples import START, article, put

#: Eight outlets report in their own words that BlackBerry leaves Pakistan.
WORDINGS = (
    (
        "BlackBerry to leave Pakistan over demand for backdoor",
        "BlackBerry will end its business in Pakistan because the regulator PTA wants a backdoor into its BES servers.",
    ),
    (
        "BlackBerry exits Pakistan rather than open servers to government",
        "The phone maker said it would leave Pakistan after the PTA demanded access to every BES message.",
    ),
    (
        "Why BlackBerry is pulling out of Pakistan",
        "The Canadian company refuses a backdoor to its BES servers, which the PTA had ordered, and goes.",
    ),
    (
        "BlackBerry quits Pakistan in row over data access",
        "BlackBerry will quit Pakistan after the PTA asked for unfettered access, a backdoor, to its BES traffic.",
    ),
    (
        "Phone maker abandons Pakistani market after backdoor order",
        "BlackBerry leaves the market of Pakistan at the end of the month, as the PTA insists on reading BES e-mails.",
    ),
    (
        "No backdoor: BlackBerry walks away from Pakistan",
        "BlackBerry says it will not give the PTA a backdoor to BES and stops all operations in Pakistan.",
    ),
    (
        "Privacy before profit for Waterloo firm",
        "A regulator's wish to watch all BES messages drives BlackBerry away; the PTA asked for a backdoor in July.",
    ),
    (
        "BlackBerry shuts Pakistan operations over surveillance demand",
        "The company shuts its operations in Pakistan, where the PTA demanded a backdoor to monitor BES servers.",
    ),
)
OTHER = (
    "Sindh lifts ban on BlackBerry Messenger",
    "The PTA restores BlackBerry Messenger, Skype and WhatsApp in the province after police got a backdoor.",
)
RULE = ("BlackBerry in Pakistan", "BlackBerry", "BES", "PTA", "backdoor", "access")


def test_at_least_four_of_eight_wordings_are_one_story_and_the_other_event_is_always_shown() -> None:
    for other_at in range(1, 9):
        index = Index(window=timedelta(days=14))
        rows = [*WORDINGS[:other_at], OTHER, *WORDINGS[other_at:]]
        joins = [
            put(index, article(title, text, outlet=f"Outlet{at}", at=START + timedelta(hours=at)), *RULE)
            for at, (title, text) in enumerate(rows)
        ]

        sizes = Counter(join.story for at, join in enumerate(joins) if at != other_at)
        assert max(sizes.values()) >= 4
        assert joins[other_at].reason in {JoinReason.OPENED, JoinReason.UNSURE}
