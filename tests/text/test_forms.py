"""An article's form is recognised by the outlet's own marks, and by nothing else."""

from __future__ import annotations

import pytest

from bot.model.rules import ArticleForm
from bot.model.stories import Article
from bot.text.forms import FormFound, find_form, is_live_page, is_roundup
from tests.rules.making import article


def page(title: str, path: str = "/world/story", tags: tuple[str, ...] = (), text: str = "") -> Article:
    return article(title, text, link=f"https://news.example{path}", tags=tags)


@pytest.mark.parametrize(
    ("form", "title", "path", "tags"),
    [
        ("opinion", "Ministers are wrong", "/opinion/2026/ministers", ()),
        ("opinion", "Comment: Ministers are wrong", "/politics/ministers", ()),
        ("opinion", "Opinion — Ministers are wrong", "/politics/ministers", ()),
        ("opinion", "[OPINION] Ministers are wrong", "/politics/ministers", ()),
        ("opinion", "Ministers are wrong", "/politics/ministers", ("politics", "site/Opinion")),
        ("podcast", "Politics Weekly podcast: the bill", "/politics/bill", ()),
        ("podcast", "The bill and its enemies – podcast", "/politics/bill", ()),
        ("live", "Coronavirus updates LIVE: cases pass 3 million", "/world/cases", ()),
        ("live", "Ten killed in attack – Europe live", "/world/attack", ()),
        ("live", "Oil prices plunge: Live Updates", "/business/oil", ()),
        ("live", "Talks resume", "/world/live/2026/talks", ()),
        ("live", "Talks resume", "/world/iran-live-updates-2026", ()),
        ("live", "Coronavirus LIVE Queensland updates: schools reopen", "/world/schools", ()),
        ("live", "Live Covid-19 updates from New Zealand on 18 May", "/world/covid", ()),
        ("live", "World virus news: Live Global Coverage", "/world/virus", ()),
        ("video", "Watch: Pilot ejects before the crash", "/world/pilot", ()),
        ("video", "Watch live: Minister faces committee", "/nz/minister", ()),
        ("video", "Pilot ejects before the crash (video)", "/world/pilot", ()),
        ("pictures", "Week in pictures: 16-22 May", "/news/week", ()),
        ("pictures", "Baseball comes to Iowa – in pictures", "/sport/iowa", ()),
        ("explainer", "Fact check: False claims about a candidate", "/news/claims", ()),
        ("explainer", "The death in Minneapolis: What we know so far", "/us/death", ()),
        ("explainer", "Virus: What is contact tracing and how does it work?", "/technology/tracing", ()),
        ("explainer", "Oil prices fell this week. What does this mean for us?", "/money/oil", ()),
        ("briefing", "Oil, Immigration, North Korea: Your Tuesday Briefing", "/us/today", ()),
        ("briefing", "The Papers: Protective kit and vaccine trial", "/news/papers", ()),
        ("briefing", "8@eight: Shares set to slide as oil prices plunge", "/business/shares", ()),
        ("briefing", "Virus: Evening update as vaccine trials start", "/news/update", ()),
        ("briefing", "Covid-19: What happened in NZ and around the world on 27 May", "/news/nz", ()),
        ("briefing", "What happened in New Zealand on Anzac Day", "/news/nz", ()),
        ("briefing", "Virus Briefing: What Happened Today", "/us/virus", ()),
        ("briefing", "Quiz of the Week: On satellites and stars", "/news/quiz", ()),
        ("briefing", "Penguin chicks and other stories you may have missed", "/news/chicks", ()),
    ],
)
def test_a_mark_of_the_outlet_shows_the_form(form: str, title: str, path: str, tags: tuple[str, ...]) -> None:
    result = find_form(page(title, path, tags))
    assert result is not None
    assert result.form is ArticleForm(form)


@pytest.mark.parametrize(
    "report",
    [
        page("Court gives its opinion on encryption"),
        page("Minister: my opinion has not changed"),
        page("Pay TV: Love Live", "/culture/love-live"),
        page("Where the rich live: a map of the city"),
        page("Video service to close in Pakistan", "/tech/video-service"),
        page("Live export of cattle to end", "/farming/live-export"),
        page("Pictured: the house where the spy lived"),
        page("Talks: what we want and what we get"),
        page("White House briefing: Minister resigns"),
        page("What is the minister hiding?"),
        page("What happened in court, and what the judge said"),
        page("Inquest hears what happened in the cell on 5 May"),
        page("Court bans live coverage of the trial"),
        page("Regulator struggles to digest merger; more time for two firms"),
        page("Central bank publishes its daily bulletin"),
        page("Minister declines comment - court to rule on Monday"),
        page("Ministers act", text="Comment is not enough: ministers must act."),
        page("Ministers act", text="Video: the minister speaks. The bill was read on Monday."),
        page("Ministers act", text="The court gave its opinion: the law is void."),
        article("Talks resume", link="https://[news/opinion/talks"),
    ],
    ids=lambda report: report.text or report.title,
)
def test_words_that_are_no_label_and_an_address_that_cannot_be_read_show_nothing(report: Article) -> None:
    assert find_form(report) is None


def test_the_mark_is_named_as_the_outlet_wrote_it() -> None:
    headline = page("Iran war live: talks resume in Geneva")
    comment = page("Ministers are wrong", text="COMMENT:\n\nWho are they kidding?")
    analysis = page("Ministers are wrong", text="Analysis - The talks have stalled three times.")

    assert find_form(headline) == FormFound(ArticleForm.LIVE, "Iran war live:", is_in_title=True)
    assert find_form(comment) == FormFound(ArticleForm.OPINION, "COMMENT:")
    assert find_form(analysis) == FormFound(ArticleForm.EXPLAINER, "Analysis -")


@pytest.mark.parametrize(
    ("title", "is_live"),
    [
        ("Covid-19: What happened in NZ on 2 May", False),
        ("Your Tuesday Briefing", False),
        ("Live Stock Market Tracker During the Pandemic", True),
        ("Chopper crash: general in coma; other official conscious", False),
        ("Court bans live coverage of the trial", True),
    ],
)
def test_what_lists_several_events_is_kept_apart_in_grouping_also_where_skip_is_not_sure(
    title: str, is_live: bool
) -> None:
    assert is_roundup(page(title))
    assert is_live_page(page(title)) is is_live
