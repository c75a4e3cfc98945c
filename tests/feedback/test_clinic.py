"""The acronym clinic: two uses of a short term are told apart, and a guard is proposed."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
import yaml

from bot import model, rules
from bot.feedback import acronyms, clinic
from bot.rules import article_text
from tests.rules.making import FEED, article, rule

REGULATOR = [
    "PTA orders telecom operators in Pakistan to block the service",
    "Pakistan regulator PTA asks telecom firms for access",
    "PTA extends deadline for telecom licence in Islamabad",
    "Pakistan: PTA shuts mobile network, telecom sector protests",
    "PTA tells mobile operators to register in Pakistan",
    "Telecom regulator PTA lifts ban in Pakistan",
    "Mobile firms in Pakistan pay PTA telecom fee",
]
SCHOOL = [
    "Parents at PTA meeting debate school lunch",
    "School PTA raises money for playground, parents say",
    "PTA parents ask school for crossing guard",
    "Teachers and parents join PTA at elementary school",
    "School PTA bake sale: parents queue",
]


def findings(given: model.Rule, *headlines: str) -> tuple[clinic.Finding, ...]:
    looking = clinic.Clinic([rules.compile_rule(given)])
    for number, headline in enumerate(headlines):
        looking.read(article(headline, id=model.ArticleId(str(number))), FEED)
    return looking.findings()


def test_an_unguarded_acronym_is_told_with_the_companions_of_each_use() -> None:
    (finding,) = findings(rule(name="Pakistan telecom", any=["PTA"]), *REGULATOR, *SCHOOL)
    assert finding.is_ambiguous
    assert finding.is_known
    meant, other = finding.uses
    assert (meant.articles, other.articles) == (7, 5)
    assert {"pakistan", "telecom"} <= set(meant.companions)
    assert "parents" in other.companions


#: Two subjects of one regulator: no word of them but its country's is common.
AUCTIONS = [
    "PTA sets base price for spectrum auction as carriers of Pakistan bid",
    "Bidders fail to turn up at spectrum auction of PTA Pakistan",
    "PTA delays spectrum auction, carriers wait in Pakistan",
    "Spectrum fee too high, carriers tell PTA of Pakistan before auction",
    "PTA Pakistan opens auction of new spectrum to carriers",
]
BANS = [
    "TikTok blocked again by PTA over videos, Pakistan court asks",
    "Pakistan PTA unblocks TikTok after videos removed",
    "PTA blocks dating apps and videos in Pakistan, TikTok warned",
    "Videos on TikTok: PTA Pakistan hears complaint",
    "TikTok appeals to PTA against block of videos in Pakistan",
]


def test_two_subjects_of_one_sense_are_no_two_uses() -> None:
    assert not any(finding.uses for finding in findings(rule(any=["PTA"]), *AUCTIONS, *BANS))


def test_subjects_of_which_each_spells_out_the_same_name_are_no_two_uses() -> None:
    spelled = "Pakistan Telecommunication Authority (PTA)"
    other = "PTA (Pakistan’s Telecommunications Authority)"
    auctions = [each.replace(" Pakistan", "").replace("PTA", spelled, 1) for each in AUCTIONS[:2]]
    bans = [each.replace("Pakistan", "").replace("PTA", other, 1) for each in BANS[:2]]
    rest = [each.replace("Pakistan", "") for each in (*AUCTIONS[2:], *BANS[2:])]
    (finding,) = findings(rule(any=["PTA"]), *auctions, *bans, *rest)
    assert finding.uses == ()


def test_uses_that_share_companions_are_told_apart_by_the_names_that_are_spelled_out() -> None:
    board = ["The Parent Teacher Association (PTA) of Lahore meets", "Lahore PTA (Parents-Teachers Association) meets"]
    authority = ["Pakistan Telecommunication Authority (PTA) of Lahore meets"]
    unnamed = ["PTA of Lahore meets as teachers ask", "PTA of Lahore meets as telecommunication firms ask"]
    archive = [*board * 2, *authority * 4, *unnamed * 2]
    (finding,) = findings(rule(any=["PTA"], must_match=["PTA of teachers"]), *archive)
    assert [(use.name, use.articles) for use in finding.uses] == [
        ("parent teacher association", 6),
        ("pakistan telecommunication authority", 6),
    ]
    assert "telecommunication" in finding.guards[0].yaml


def test_a_small_word_may_give_an_initial() -> None:
    (leaf,) = clinic.suspects(rules.compile_rule(rule(any=["DOE"])))
    told = article_text.ArticleText(article("x", "The Department of Energy (DOE) was asked"))
    assert acronyms.spelled_out(leaf, told) == "department energy"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("The Pakistan Telecommunication Authority (PTA) said", "pakistan telecommunication authority"),
        ("PTA (the Parent–Teacher Association)", "parent teacher association"),
        ("Parents and Teachers of the Association (PTA)", "parent teacher association"),
        ("Pakistan Tax of the Aged (PTA)", "pakistan tax aged"),
        ("Party of Trust and Action (PTA), Party (PTA)", "party trust action"),
        ("PTA (Karachi), the regulator", None),
        ("Telecommunication Authority (PTA)", None),
        ("Pakistan. Telecommunication, Authority (PTA)", None),
        ("(PTA)", None),
        ("PTA (Pakistan Telecommunication", None),
        ("PTA", None),
    ],
)
def test_an_acronym_is_spelled_out_beside_a_bracket(text: str, expected: str | None) -> None:
    (leaf,) = clinic.suspects(rules.compile_rule(rule(any=["PTA"])))
    assert acronyms.spelled_out(leaf, article_text.ArticleText(article("x", text))) == expected


def test_the_order_of_the_articles_does_not_matter() -> None:
    told = set()
    for order in itertools.islice(itertools.permutations([*SCHOOL, *REGULATOR], 12), 0, 40_000, 9_973):
        (finding,) = findings(rule(name="Pakistan telecom", any=["PTA"]), *order)
        told.add((tuple(use.articles for use in finding.uses), finding.guards))
    assert len(told) == 1


def test_each_guard_is_a_yaml_line_that_does_what_it_says() -> None:
    given: dict[str, Any] = {"name": "Pakistan telecom", "any": ["PTA"]}
    (finding,) = findings(rule(**given), *REGULATOR, *SCHOOL)
    assert len(finding.guards) == 2
    for guard in finding.guards:
        guarded = rule(**given, **yaml.safe_load(guard.yaml))
        index = rules.RuleSet([rules.compile_rule(guarded)])
        kept = [
            sum(bool(index.match(article(headline), FEED, now=article().first_seen)) for headline in headlines)
            for headlines in (REGULATOR, SCHOOL)
        ]
        assert kept == [guard.keeps, guard.lets_through]
        assert guard.keeps >= 6
        assert guard.lets_through == 0


def test_a_guard_keeps_what_the_rule_excludes_already() -> None:
    (finding,) = findings(rule(name="Pakistan telecom", any=["PTA"], none=["bus, ferry"]), *REGULATOR, *SCHOOL)
    assert "none: ['bus, ferry', " in finding.guards[0].yaml


def test_the_examples_say_which_use_is_meant() -> None:
    (finding,) = findings(rule(any=["PTA"], must_match=["School PTA meets parents"]), *REGULATOR, *SCHOOL)
    assert finding.is_known
    assert "parents" in finding.uses[0].companions


def test_where_nothing_says_which_use_is_meant_the_larger_stands_first_and_that_is_told() -> None:
    (finding,) = findings(rule(name="x", any=["PTA"]), *REGULATOR, *SCHOOL)
    assert not finding.is_known
    assert finding.uses[0].articles == 7


def test_a_rule_with_a_guard_is_not_warned_of() -> None:
    guarded = rule(all={"regulator": ["PTA"], "subject": ["telecom", "mobile"]})
    (finding,) = findings(guarded, *REGULATOR, *SCHOOL)
    assert not finding.is_ambiguous
    assert finding.uses[1].matched == 0


@pytest.mark.parametrize("headlines", [REGULATOR, SCHOOL, REGULATOR[:3] + SCHOOL[:2], []])
def test_one_use_or_too_few_articles_give_no_warning(headlines: list[str]) -> None:
    assert not any(finding.is_ambiguous for finding in findings(rule(any=["PTA"]), *headlines))


def test_what_is_short_is_looked_at_and_nothing_else() -> None:
    given = rule(
        any=["PTA", "{Bes}", "BlackBerry", "SWIFTNET", "back door", "und*", "url", "2015", "$s"], sets={"s": ["BES"]}
    )
    assert [leaf.text for leaf in clinic.suspects(rules.compile_rule(given))] == ["PTA", "Bes", "url", "BES"]
    assert clinic.suspects(rules.compile_rule(rule(any=["long enough"], none=["PTA"]))) == ()
    assert clinic.Clinic([rules.compile_rule(rule(any=["backdoor"]))]).is_idle


def test_a_paused_rule_is_looked_at_too() -> None:
    (finding,) = findings(rule(name="Pakistan telecom", any=["PTA"], paused=True), *REGULATOR, *SCHOOL)
    assert finding.is_ambiguous
