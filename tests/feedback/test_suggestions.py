"""From what readers judged, a change of the rule that parses, passes its examples, and does what is said of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import yaml

from bot import model, rules
from bot.feedback import separating_words, suggestions, yaml_snippets
from tests.feedback.test_clinic import REGULATOR, SCHOOL
from tests.rules.making import FEED, article, lines, rule

PTA: dict[str, Any] = {"name": "Telecom regulator", "any": ["PTA", "Frequency Allocation Board"]}


def judged(useful: list[str], noise: list[str]) -> list[suggestions.JudgedStory]:
    return [
        suggestions.JudgedStory(is_useful=is_useful, articles=(article(title, id=model.ArticleId(title)),))
        for is_useful, titles in ((True, useful), (False, noise))
        for title in titles
    ]


def propose(
    given: model.Rule, useful: list[str], noise: list[str]
) -> dict[suggestions.RuleChange, suggestions.Proposal]:
    found = suggestions.propose(rules.compile_rule(given), judged(useful, noise))
    return {one.change: one for one in found}


def pasted(given: dict[str, Any], proposal: suggestions.Proposal) -> model.Rule:
    """The rule with the proposal's YAML in the place of the keys that it writes."""
    return rule(**{**given, **yaml.safe_load(proposal.yaml)})


def left_out(given: model.Rule, titles: list[str]) -> int:
    compiled = rules.RuleSet([rules.compile_rule(given)])
    return sum(not compiled.match(article(title), FEED, now=article().first_seen) for title in titles)


def test_words_of_the_noise_become_an_exclusion_that_does_what_it_says_when_it_is_pasted() -> None:
    given = {**PTA, "none": ["parent teacher association"]}
    proposal = propose(rule(**given), REGULATOR, SCHOOL)[suggestions.RuleChange.EXCLUSION]
    assert proposal.yaml == "none: [parent teacher association, parents]"
    assert (proposal.noise_left_out, proposal.noise) == (5, 5)
    assert (proposal.useful_left_out, proposal.useful) == (0, 7)
    made = pasted(given, proposal)
    assert left_out(made, SCHOOL) == 5
    assert left_out(made, REGULATOR) == 0


def test_words_of_the_useful_stories_become_a_guard() -> None:
    proposal = propose(rule(**PTA), REGULATOR, SCHOOL)[suggestions.RuleChange.GUARD]
    made = pasted(PTA, proposal)
    assert left_out(made, SCHOOL) == proposal.noise_left_out == 5
    assert left_out(made, REGULATOR) == proposal.useful_left_out == 0


def test_a_guard_joins_the_lines_that_are_there_and_takes_no_ones_name() -> None:
    given = {"name": "r", "all": {"context": ["PTA"], "also": ["PTA"]}}
    proposal = propose(rule(**given), REGULATOR, SCHOOL)[suggestions.RuleChange.GUARD]
    assert list(yaml.safe_load(proposal.yaml)["all"]) == ["context", "also", "and also"]
    assert left_out(pasted(given, proposal), SCHOOL) == 5


def test_a_guard_of_a_query_keeps_the_query_whole() -> None:
    given = {"name": "r", "query": "PTA OR (board NEAR/3 frequency)"}
    proposal = propose(rule(**given), REGULATOR, SCHOOL)[suggestions.RuleChange.GUARD]
    assert proposal.yaml.startswith("query: |\n  (PTA OR (board NEAR/3 frequency))\n  AND (")
    assert left_out(pasted(given, proposal), SCHOOL) == 5
    assert left_out(pasted(given, proposal), REGULATOR) == 0


def test_a_wording_that_found_noise_only_is_taken_out() -> None:
    given = {"name": "r", "all": {"regulator": ["PTA", "board", "authority"], "what": ["orders", "lunch", "debate*"]}}
    useful = ["PTA orders block", "Authority orders a fine", "PTA orders more"]
    noise = ["Board orders lunch for parents", "Board lunch debate", "School board debated orders"]
    proposal = propose(rule(**given), useful, noise)[suggestions.RuleChange.TERM]
    assert yaml.safe_load(proposal.yaml) == {
        "all": {"regulator": ["PTA", "authority"], "what": ["orders", "lunch", "debate*"]}
    }
    assert left_out(pasted(given, proposal), noise) == proposal.noise_left_out == 3


def test_a_whole_line_of_any_may_be_taken_out_but_not_the_last_one() -> None:
    given = {"name": "r", "any": ["PTA", "lunch"]}
    useful, noise = ["PTA orders block"], ["School lunch is late", "A lunch in town"]
    proposal = propose(rule(**given), useful, noise)[suggestions.RuleChange.TERM]
    assert yaml.safe_load(proposal.yaml) == {"any": {"PTA": ["PTA"]}}
    assert suggestions.RuleChange.TERM not in propose(rule(name="r", any=["lunch"]), [], noise)


def test_a_change_that_the_rules_own_examples_refuse_is_not_proposed() -> None:
    given = {**PTA, "must_match": ["PTA hears parents on mobile fees in Pakistan"]}
    found = propose(rule(**given), REGULATOR, SCHOOL)
    assert suggestions.RuleChange.EXCLUSION not in found
    assert suggestions.RuleChange.GUARD in found


def test_one_noise_story_and_too_few_useful_ones_prove_nothing() -> None:
    assert propose(rule(**PTA), REGULATOR, SCHOOL[:1]) == {}
    assert suggestions.RuleChange.GUARD not in propose(rule(**PTA), REGULATOR[:2], SCHOOL)


def test_stories_that_the_rule_no_longer_matches_are_not_counted() -> None:
    proposal = propose(rule(**{**PTA, "none": ["bake sale"]}), REGULATOR, SCHOOL)[suggestions.RuleChange.EXCLUSION]
    assert (proposal.noise, proposal.noise_left_out) == (4, 4)


def test_noise_that_looks_like_the_useful_stories_gives_no_proposal() -> None:
    same = ["PTA orders telecom operators to block", "PTA orders telecom operators to block"]
    assert propose(rule(**PTA), [*same, *same], same) == {}


def test_a_story_is_left_out_when_each_of_its_articles_is() -> None:
    both = tuple(article(title) for title in ("Parents at PTA meeting", "PTA meets in town"))
    parents = [replace(one, articles=both) for one in judged([], ["a", "b"])]
    found = suggestions.propose(rules.compile_rule(rule(**PTA)), [*parents, *judged(REGULATOR, [])])
    assert all("parents" not in one.yaml for one in found if one.change is suggestions.RuleChange.EXCLUSION)


def test_the_archive_tells_how_many_articles_would_still_match() -> None:
    compiled = rules.compile_rule(rule(**PTA, paused=True))
    proposals = suggestions.propose(compiled, judged(REGULATOR, SCHOOL))
    trial = suggestions.ProposalTrial([(compiled, one) for one in proposals])
    for title in [*REGULATOR, *SCHOOL, "Parents at another PTA", "Nothing of the kind"]:
        trial.read(article(title), FEED)
    effects = dict(zip([one.change for one in proposals], trial.effects(), strict=True))
    assert effects[suggestions.RuleChange.EXCLUSION] == suggestions.Effect(before=13, after=7)


def test_few_words_are_chosen_each_for_what_the_others_left() -> None:
    wanted = [frozenset(text.split()) for text in ("a x", "a y", "b x", "b z", "q")]
    unwanted = [frozenset({"x"})]
    assert separating_words.words(wanted, unwanted) == ("a", "b")
    assert separating_words.words(wanted, unwanted, headlines={"b"}) == ("b", "a")
    assert separating_words.words(wanted, [frozenset("abxyzq")]) == ()


def test_what_is_written_is_read_as_it_was_meant() -> None:
    terms = ("back door*", "{PTA}", "AT&T", "title: BES", "O'Brien", "no", "/a.b/", "$set", "# x", "5,000")
    assert yaml.load(yaml_snippets.lines("all", lines({"a: b": list(terms)})), Loader=yaml.BaseLoader) == {
        "all": {"a: b": list(terms)}
    }


def test_what_may_be_hoped_for_is_measured_on_stories_that_the_change_was_not_made_from() -> None:
    many = propose(rule(**PTA), REGULATOR, SCHOOL)
    exclusion = many[suggestions.RuleChange.EXCLUSION]
    assert (exclusion.noise_unseen, exclusion.useful_unseen) == (5, 0), "each of the school's headlines has the word"
    by_chance = ["PTA zebra one", "PTA zebra two", "PTA quokka three", "PTA quokka four"]
    (found,) = (one for one in propose(rule(**PTA), REGULATOR, by_chance).values() if one.change == "an exclusion")
    assert found.noise_left_out == 4
    assert found.noise_unseen == 0, "of two stories with a word in common each one alone shows nothing"
