"""An article's form is recognised by the outlet's own marks, and by nothing else."""

from __future__ import annotations

import pytest

from bot.model.rules import ArticleForm
from bot.text.headlines import find_form

SITE = "https://news.example"


@pytest.mark.parametrize(
    ("form", "title", "path", "tags"),
    [
        ("opinion", "Ministers are wrong", "/opinion/2026/ministers", ()),
        ("opinion", "Comment: Ministers are wrong", "/politics/ministers", ()),
        ("opinion", "Ministers are wrong", "/politics/ministers", ("politics", "site/Opinion")),
        ("podcast", "Politics Weekly podcast: the bill", "/politics/bill", ()),
        ("podcast", "The bill and its enemies – podcast", "/politics/bill", ()),
        ("live", "Coronavirus updates LIVE: cases pass 3 million", "/world/cases", ()),
        ("live", "Ten killed in attack – Europe live", "/world/attack", ()),
        ("live", "Oil prices plunge: Live Updates", "/business/oil", ()),
        ("live", "Talks resume", "/world/live/2026/talks", ()),
        ("live", "Talks resume", "/world/iran-live-updates-2026", ()),
        ("video", "Watch: Pilot ejects before the crash", "/world/pilot", ()),
        ("video", "Watch live: Minister faces committee", "/nz/minister", ()),
        ("video", "Pilot ejects before the crash (video)", "/world/pilot", ()),
        ("pictures", "Week in pictures: 16-22 May", "/news/week", ()),
        ("pictures", "Baseball comes to Iowa – in pictures", "/sport/iowa", ()),
        ("explainer", "Q&A: What the furlough means for you", "/money/furlough", ()),
        ("explainer", "Fact check: False claims about a candidate", "/news/claims", ()),
        ("explainer", "The death in Minneapolis: What we know so far", "/us/death", ()),
        ("explainer", "Virus: What is contact tracing and how does it work?", "/technology/tracing", ()),
        ("explainer", "Oil prices fell this week. What does this mean for us?", "/money/oil", ()),
        ("briefing", "Oil, Immigration, North Korea: Your Tuesday Briefing", "/us/today", ()),
        ("briefing", "The Papers: Protective kit and vaccine trial", "/news/papers", ()),
        ("briefing", "8@eight: Shares set to slide as oil prices plunge", "/business/shares", ()),
        ("briefing", "Virus: Evening update as vaccine trials start", "/news/update", ()),
        ("briefing", "Protests escalate", "/2020/briefing/protests", ()),
    ],
)
def test_a_mark_of_the_outlet_shows_the_form(form: str, title: str, path: str, tags: tuple[str, ...]) -> None:
    result = find_form(title, SITE + path, tags)
    assert result is not None
    assert result.form is ArticleForm(form)


@pytest.mark.parametrize(
    ("title", "path"),
    [
        ("Court gives its opinion on encryption", "/world/court"),
        ("Minister: my opinion has not changed", "/politics/minister"),
        ("Podcast firm fined $2 million", "/business/fine"),
        ("Pay TV: Love Live", "/culture/love-live"),
        ("Where the rich live: a map of the city", "/property/map"),
        ("The flood changed the place where they live", "/world/flood"),
        ("Video service to close in Pakistan", "/tech/video-service"),
        ("Live export of cattle to end", "/farming/live-export"),
        ("Pictured: the house where the spy lived", "/news/spy"),
        ("Talks: what we want and what we get", "/news/talks"),
        ("White House briefing: Minister resigns", "/us/minister"),
        ("What is the minister hiding?", "/politics/minister"),
        ("Morning fog closes airport", "/news/fog"),
    ],
)
def test_a_word_that_is_no_label_shows_nothing(title: str, path: str) -> None:
    assert find_form(title, SITE + path) is None


def test_an_address_that_cannot_be_read_shows_nothing() -> None:
    assert find_form("Talks resume", "https://[news/opinion/talks") is None
