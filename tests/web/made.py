"""The articles in the feeds of the page's tests."""

from __future__ import annotations

from msgspec.structs import replace

from bot import storage
from bot.model.alerts import AlertAction, Reason
from bot.model.messages import Sentence, Span
from bot.model.rules import Match
from bot.testing.messages import NEW_FACT
from tests.journeys.world import Item
from tests.testbed import made

COVERAGE = {
    "wire": Item(
        id="w1",
        title="BlackBerry to leave Pakistan rather than open its servers",
        text="BlackBerry will end its business in Pakistan after the Pakistan Telecommunication Authority demanded "
        "unfettered access to its BES servers. The company calls the demand a backdoor. The order dates from July.",
    ),
    "courier": Item(
        id="c1",
        title="BlackBerry quits Pakistan over PTA demand for a backdoor into BES",
        text="BlackBerry is quitting Pakistan because the PTA demanded a backdoor into its BES servers. Some 5,000 "
        "companies in Pakistan use the service.",
    ),
    "ledger": Item(
        id="l1",
        title="BlackBerry pulls out of Pakistan as PTA insists on backdoor",
        text="BlackBerry pulls out of Pakistan since the regulator PTA insists on a backdoor into its BES servers. "
        "The deadline was moved to 30 December.",
    ),
}

SCRIPT = "<script>document.title='taken'</script>"
HOSTILE = (
    Item(
        id="h1",
        title=f"Wombat {SCRIPT} <img src=x onerror=document.title='taken'> \u202e desrever",
        text="A wombat. &lt;svg onload=document.title='taken'&gt; \" onmouseover=\"document.title='taken' {{ 7 * 7 }}",
        link="javascript:document.title='taken'",
    ),
    Item(
        id="h2",
        title="Wombat two ' \" > </h2></article></main>",
        text="Another wombat, data link.",
        link="data:text/html,<script>document.title='taken'</script>",
    ),
)

OTHER_RULES = """\
  - name: "Wombats <b onclick=x>&</b>"
    any: [wombat*]
    notify: [desk, ops]
    note: "<script>document.title='taken'</script>"
  - name: Broken rule
    all: [backdoor*]
    notfy: desk
"""


def add_long_story(tx: storage.Transaction) -> None:
    """Store a story of eight articles, the last of which corrects an amount, posted in two channels."""
    headlines = (
        "BlackBerry may be fined up to $20 million over its servers in Pakistan",
        "Pakistan's regulator threatens BlackBerry with a fine of $20 million over encrypted messages",
    )
    articles = [
        replace(
            made.article(str(number), minutes=7 * number),
            outlet=f"Paper {number}",
            owner=f"Owner {number}",
            title=f"{headlines[number % 2]}, report {number}",
        )
        for number in range(8)
    ]
    tx.articles.add(articles)
    story = made.story("long", *articles)
    for article in articles:
        tx.articles.add_matches(article.id, [Match(rule="BlackBerry in Pakistan", evidence=())])
    tx.stories.save(replace(story, last_seen=articles[-1].first_seen))
    correction = replace(
        NEW_FACT.facts[0],
        label="penalty",
        before="$20 million",
        after="$2 million",
        mark="Correction",
        outlet="Paper 7",
    )
    steps = {
        articles[0].id: (AlertAction.POST, Reason.FIRST_REPORT),
        articles[-1].id: (AlertAction.REPLY, Reason.NEW_FACT),
    }
    for article in articles:
        action, reason = steps.get(article.id, (AlertAction.EDIT, Reason.ADDED_OUTLET))
        facts = (correction,) if action is AlertAction.REPLY else ()
        decision = made.decision("long", action, reason, at=article.first_seen, article=article.id, facts=facts)
        tx.stories.decide([replace(decision, channel=channel) for channel in ("desk", "ops")])
    sentence = Sentence(
        spans=(
            Span(text="The regulator may fine "),
            Span(text="BlackBerry", is_marked=True),
            Span(text=" up to $20 million over its servers in Pakistan."),
        ),
        outlet="Paper 0",
        link="https://dawn.example/0",
    )
    view = replace(made.view("long"), summary=(sentence,))
    tx.outbox.add([made.sending(channel, channel=channel, story="long", views=(view,)) for channel in ("desk", "ops")])
