"""wirewatch explain: describe a rule, or show why it matches an article or not.

Only an article of the archive needs the database; without one, the command does not import storage and pipeline.
"""

from __future__ import annotations

import os
from typing import Annotated

import typer

from bot import app, rules
from bot.alerts import routing
from bot.cli import terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE, ConfigDir, Json
from bot.durations import format_count
from bot.model.rules import Example


def explain(
    name: Annotated[list[str] | None, typer.Argument(help="A rule's name, or a part of it.", metavar="RULE")] = None,
    folder: ConfigDir = DEFAULT_CONFIG,
    url: Annotated[str | None, typer.Option(help="An article in the archive.", metavar="ADDRESS")] = None,
    text: Annotated[str | None, typer.Option(help="A text to treat as a headline.", metavar="TEXT")] = None,
    json: Json = False,
) -> None:
    """Describe a rule, or show why it matches an article or not.

    Without an article, describes the rule in plain English. With --url or --text, shows the lines of the rule that
    match, the matching words, and what is missing.

    Example: wirewatch explain "BlackBerry backdoor" --text "BlackBerry quits Pakistan over BES backdoor"
    """
    rule = " ".join(name) if name else None
    if rule and rule.startswith(("http://", "https://")):
        terminal.fail(f"{rule} is an address, not a rule's name; write --url {rule}", UNUSABLE)
    settings = app.load(folder, os.environ, wants_warnings=False)
    chosen = settings.find_rules(rule or "")
    if rule is not None and not chosen:
        from bot.queries.registry import unknown_rule  # slow to import

        raise unknown_rule(rule, settings)
    if url is None and text is None:
        if rule is None:
            terminal.fail("enter a rule's name, or choose an article with --url or --text", UNUSABLE)
        if len(chosen) > 1:
            terminal.say(f'{len(chosen)} rules have "{rule}" in their names:')
        for number, entry in enumerate(chosen):
            if number:
                terminal.row("")
            terminal.row(entry.rule.name, style="bold")
            terminal.write(rules.describe_rule(entry.rule) + "\n")
            if not entry.rule.notify:
                terminal.row(f"Goes to {routing.describe_routes(settings.bot.routes, entry.rule)}")
        return
    article, place = rules.make_article(Example(title=text or "")), None
    if url:
        from bot.cli import articles  # imports SQLAlchemy, which only an article of the archive needs

        article, place = articles.look_up(settings, url)
    feed, now = settings.feeds_by_address.get(article.feed), app.SystemClock().now()
    explanations = [rules.explain_rule(entry, article, feed, now=now) for entry in chosen]
    if json:
        from bot.queries.articles import ExplainDocument  # slow to import

        terminal.answer(
            [ExplainDocument(rule=e.rule, matched=e.matched, text=e.text(), story=place) for e in explanations]
        )
        return
    for line in articles.describe_place(place) if place else ():
        terminal.row(line)
    # Show why other rules do not match only if no rule matches, or if the user named one.
    matching = [explained for explained in explanations if explained.matched]
    missed = [explained for explained in explanations if not explained.matched]
    for number, explained in enumerate([*matching, *(missed if rule or not matching else ())]):
        if number or place:
            terminal.row("")
        terminal.write(f"{explained.rule}: {'matches' if explained.matched else 'does not match'}\n")
        terminal.write(explained.text() + "\n")
    if matching and missed and not rule:
        names = ", ".join(explained.rule for explained in missed)
        terminal.row("")
        terminal.row(f"{format_count(len(missed), 'other rule')} without a match (name one to see why): {names}")
    for sentence in article.left_out:
        terminal.row(f"sentence not matched, because its feed repeats it: {sentence}")
