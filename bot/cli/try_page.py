"""A backtest's report for people and for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, timedelta
from itertools import groupby

from bot import model
from bot.cli import terminal
from bot.pipeline import backtest

#: Lines of a list for people; --json has them all.
LISTED = 10
#: Of near misses, of which there are often many for one common word.
NEAR_LISTED = 3
#: The longest bar of the chart, in characters.
BAR = 40
#: More days than this are shown by weeks, more weeks by months.
DAYS, WEEKS = 31, 27
_EIGHTHS = " ▏▎▍▌▋▊▉"


def show(report: backtest.Report) -> None:
    """Print the report of a backtest."""
    span = f"{report.since:%Y-%m-%d} to {report.until:%Y-%m-%d}"
    _line(f"{model.counted(report.articles, 'article')} of the archive, {span}", style="dim")
    if not report.articles:
        terminal.say("No article is stored of that time: wirewatch once or run brings them.")
    for rule in report.rules:
        _line()
        _show_rule(rule)
    _line()
    _show_messages(report)


def _show_rule(rule: backtest.RuleReport) -> None:
    _line(rule.rule, style="bold")
    _line(f"  would match {model.counted(len(rule.hits), 'article')}")
    for line in chart(rule.by_day):
        _line(f"    {line}")
    _list(rule.hits[::-1])
    if (compared := rule.comparison) is not None:
        _line(
            f"  beside {compared.with_what}: {compared.both} the same, "
            f"{len(compared.starts)} new, {len(compared.stops)} no longer"
        )
        _list(compared.starts[::-1] if compared.both or compared.stops else (), "+")
        _list(compared.stops[::-1], "-")
    for near in sorted(rule.near, key=lambda near: near.count):
        _line(f"  near misses, {near.what}: {near.count}")
        _list(near.examples, most=NEAR_LISTED, total=near.count)


def _show_messages(report: backtest.Report) -> None:
    counts = Counter(message.kind for message in report.messages)
    told = ", ".join(
        model.counted(counts[kind], name)
        for kind, name in (
            (model.MessageKind.POST, "post"),
            (model.MessageKind.GATHERED, "gathered message"),
            (model.MessageKind.EDIT, "edit"),
            (model.MessageKind.REPLY, "reply"),
        )
        if counts[kind] or kind is model.MessageKind.POST
    )
    waiting = f"; {report.held} still held" if report.held else ""
    _line(f"It would have made {told}, of {model.counted(report.stories, 'story')}{waiting}")
    if report.told_until:
        _line(
            f"  of the first {report.replayed:,} of {report.matched:,} matched articles, seen before "
            f"{report.told_until:%Y-%m-%d %H:%M}; --replay 0 works out all"
        )
    spoken = [message for message in report.messages if message.kind is not model.MessageKind.EDIT]
    for message in spoken[-2 * LISTED :]:
        headline = message.headlines[0] if message.headlines else ""
        more = f" and {len(message.headlines) - 1} more" if len(message.headlines) > 1 else ""
        what = "" if message.kind is model.MessageKind.POST else f"{message.kind.value}, {message.reason}: "
        _line(f"  {message.at:%m-%d %H:%M} {message.channel}: {what}{headline}{more}")
    if len(spoken) > 2 * LISTED:
        _line(f"  … and {len(spoken) - 2 * LISTED} before (--json lists all)", style="dim")


def _list(
    hits: Sequence[backtest.MatchedArticle], sign: str = " ", *, most: int = LISTED, total: int | None = None
) -> None:
    """List the first hits; ``total``: of so many, where ``hits`` are only some of them."""
    total = len(hits) if total is None else total
    for hit in hits[:most]:
        _line(f"   {sign} {hit.first_seen:%m-%d} {hit.outlet}: {hit.title}")
        if hit.why:
            _line(f"       {hit.why}", style="dim")
    if total > most:
        _line(
            f"   {sign} … and {total - most} more (--json lists {'all' if total == len(hits) else 'some'})", style="dim"
        )


def _line(text: str = "", *, style: str = "") -> None:
    terminal.row(text, style=style)


def chart(by_day: Mapping[date, int]) -> Iterator[str]:
    """A bar a day; of a long time a bar a week or a month. Nothing where there is no hit; long pauses are one line."""
    columns = _columns(by_day)
    most = max(columns.values(), default=0)
    if not most:
        return
    for is_empty, group in groupby(columns.items(), key=lambda column: not column[1]):
        pause = list(group)
        if is_empty and len(pause) > 2:
            yield f"{pause[0][0]} … {pause[-1][0]}: none"
            continue
        for label, count in pause:
            eighths = max(round(count / most * BAR * 8), 1) if count else 0
            bar = "█" * (eighths // 8) + _EIGHTHS[eighths % 8].strip()
            yield f"{label} {bar} {count}" if count else label


def _columns(by_day: Mapping[date, int]) -> dict[str, int]:
    if len(by_day) <= DAYS:
        return {f"{day:%a %m-%d}": count for day, count in by_day.items()}
    columns: dict[str, int] = {}
    is_by_week = len(by_day) <= WEEKS * 7
    for day, count in by_day.items():
        monday = day - timedelta(days=day.weekday())
        label = f"week of {monday:%m-%d}" if is_by_week else f"{day:%Y-%m}"
        columns[label] = columns.get(label, 0) + count
    return columns
