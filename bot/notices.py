"""The texts of the bot's notices to its operator.

All functions are pure. The caller adds the row to the outbox in the transaction that records the event.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta

from bot.aio import Failure
from bot.durations import format_count, format_duration
from bot.model.actions import Ruling, Silence
from bot.model.language_models import LanguageModelPolicy, Use
from bot.model.messages import Notice, Outgoing
from bot.model.quarantine import PieceKind, QuarantinedPiece
from bot.model.settings import Problem
from bot.model.stories import Article, send_id


def notice_row(notice: Notice, *, channel: str, now: datetime) -> Outgoing:
    """Return the outbox row of a notice. Its id depends on channel and occasion, so the notice is posted once."""
    send = send_id("notice", channel, *notice.occasion)
    return Outgoing(id=send, channel=channel, thread=send, message=notice, created_at=now, due_at=now)


def configuration_reloaded(
    *, rules: int, feeds: int, kept: int, off: int, problems: Sequence[Problem], version: str
) -> Notice:
    """Report a new configuration. Workers that load the same edit post only one notice.

    ``kept`` and ``off`` are the numbers of refused rules with and without a last good version.
    """
    in_force = f"{format_count(rules, 'rule')}, {format_count(feeds, 'feed')}"
    errors = [problem for problem in problems if problem.severity == "error"]
    # If no rule is refused, count the refused files: bot.yaml, and files that keep their last good version as a whole.
    files = len({problem.file for problem in errors if problem.rule is None}) if not kept + off else 0
    parts = (
        f"{format_count(kept, 'rule')} refused, last good version kept" if kept else "",
        f"{format_count(off, 'rule')} refused and off: no good version is known" if off else "",
        f"{format_count(files, 'file')} refused, last good version kept" if files else "",
        format_count(len(problems) - len(errors), "warning") if len(problems) > len(errors) else "",
    )
    lead = f"Configuration reloaded: {in_force}."
    if problems:
        # Without errors, begin with the totals, which show that nothing is refused any longer.
        loaded = "" if errors else lead.removesuffix(".")
        lead = "; ".join(part for part in (loaded, *parts) if part)
    errors_first = sorted(problems, key=lambda problem: problem.severity != "error")
    where = tuple(problem_line(problem) for problem in errors_first)
    remedy = f"In force: {in_force}. `wirewatch check` shows where each problem is." if errors else ""
    return Notice(lead=lead, details=where, remedy=remedy, occasion=(f"reload {version} {list(where)}",))


def problem_line(problem: Problem) -> str:
    """Return one line such as “rules/desk.yaml:3:5, "Backdoor": unknown key "nome"; did you mean "none"?”."""
    place = f"{problem.file}:{problem.line}:{problem.column}" if problem.line else problem.file
    rule = f', rule "{problem.rule}"' if problem.rule else ""
    warning = "warning: " if problem.severity == "warning" else ""
    return f"{place}{rule}: {warning}{problem.message}" + (f"; {problem.help}" if problem.help else "")


def clock_set_back(by: str, *, now: datetime) -> Notice:
    """Report that the clock of the machine was set back; ``by`` is the difference in words."""
    lead = f"The clock of this machine was set back by {by}."
    lines = ("All feeds are polled now. Held stories wait until their time comes.", "Times recorded before are wrong.")
    return Notice(lead=lead, details=lines, occasion=(f"clock {now.isoformat()}",))


def database_was_unavailable(reason: str, *, since: datetime, until: datetime) -> Notice:
    """Report an outage that is over; ``reason`` is the text of its first failure."""
    duration = format_duration(timedelta(seconds=max(1, round((until - since).total_seconds()))))
    lead = f"The database could not be used for {duration}. Waiting work has been done since; nothing is lost."
    return Notice(lead=lead, details=(reason,), occasion=(f"outage {since.isoformat()}",))


def database_is_unavailable(reason: str, *, since: datetime, process: str) -> Notice:
    """Report an outage that lasts; ``reason`` is the text of its first failure."""
    lead = f"The database cannot be used since {since:%d %b %H:%M} UTC. Until it can, nothing else is posted."
    remedy = f"Nothing is lost: {process} waits, and reports when it works again."
    return Notice(lead=lead, details=(reason,), remedy=remedy, occasion=(f"outage began {since.isoformat()}",))


def database_fails_in_part(reason: str, *, since: datetime) -> Notice:
    """Report an outage in which some writes succeed; ``reason`` is the text of its first failure."""
    lead = f"The database has failed in part since {since:%d %b %H:%M} UTC: some writes succeed, others fail."
    remedy = "Failed writes are tried again. `wirewatch status --check` checks the disk and the database."
    return Notice(lead=lead, details=(reason,), remedy=remedy, occasion=(f"partial outage {since.isoformat()}",))


def feed_health(lines: Sequence[str], *, is_well: bool, since: datetime) -> Notice:
    """Report the new problems with feeds, or the resolved problems, of the minute that began at ``since``."""
    problems = format_count(len(lines), "problem" if is_well else "new problem")
    lead = f"Feed health: {problems}{' resolved' if is_well else ''}"
    return Notice(lead=lead, details=tuple(lines), occasion=("resolved" if is_well else "health", since.isoformat()))


def rule_is_silent(rule: str, expect: timedelta, *, last_match: datetime | None) -> Notice:
    """Report that a rule has not matched for longer than expected.

    The occasion contains the last match, so all processes together report each silence once.
    """
    lead = f"A rule is silent: nothing has matched for more than {format_duration(expect)}."
    last = last_match.isoformat() if last_match else None
    return Notice(
        lead=lead,
        details=(rule,),
        remedy="`wirewatch try` shows matches and near misses of the rule; `wirewatch status` shows its feeds.",
        occasion=(f"silent {rule} {last}",),
    )


def buttons_are_silent(channels: Sequence[str], reason: str, *, now: datetime) -> Notice:
    """Report that the connection for button presses failed, for ``reason``."""
    names = ", ".join(channels)
    lead = f"The buttons of {names} do not work. Messages are still sent; presses fail."
    return Notice(lead=lead, details=(reason,), occasion=(f"buttons {names} {now.isoformat()}",))


def buttons_work_again(channels: Sequence[str], reason: str, *, now: datetime) -> Notice:
    """Report that the buttons work again; ``reason`` is why they did not work."""
    names = ", ".join(channels)
    lead = f"The buttons of {names} work again."
    return Notice(lead=lead, details=(f"The trouble was: {reason}",), occasion=(f"buttons {names} {now.isoformat()}",))


def channel_closed(channels: Sequence[str], reason: str, *, occasion: tuple[str, ...]) -> Notice:
    """Report that the service refuses all messages of the channels, for ``reason``, until somebody acts."""
    lead = f"Channel {', '.join(channels)} is closed to Wirewatch. Its messages are kept, and sent when it works again."
    remedy = f"`wirewatch send-test {channels[0]}` checks it and shows what to do."
    return Notice(lead=lead, details=(reason,), remedy=remedy, occasion=occasion)


def channel_failing(channels: Sequence[str], reason: str, *, occasion: tuple[str, ...]) -> Notice:
    """Report that all attempts to send to the channels failed for some minutes. ``reason`` is the last error."""
    names = ", ".join(channels)
    lead = f"Channel {names} has accepted no message for some minutes. Its messages are kept and retried."
    return Notice(lead=lead, details=(reason,), occasion=occasion)


def message_dropped(channels: Sequence[str], reason: str, *, occasion: tuple[str, ...]) -> Notice:
    """Report that a message was dropped, for ``reason``; later messages are sent."""
    lead = f"A message for channel {', '.join(channels)} could not be delivered and was dropped."
    return Notice(lead=lead, details=(reason,), occasion=occasion)


def channel_is_back(channels: Sequence[str], reason: str, *, occasion: tuple[str, ...]) -> Notice:
    """Report that the channels work again; ``reason`` is why they were closed or failing."""
    lead = f"Channel {', '.join(channels)} works again. Its kept messages are being sent."
    return Notice(lead=lead, details=(f"The trouble was: {reason}",), occasion=occasion)


def model_is_failing(policy: LanguageModelPolicy, reason: str, *, is_slow: bool, now: datetime) -> Notice:
    """Report that the language model refuses calls or failed several times in a row. ``reason`` is the last error."""
    lead = f"The model {policy.name} gives no usable answer. Until it does, Wirewatch decides without it."
    remedy = "`wirewatch model test` calls it now; check url, name and key under model in bot.yaml."
    if is_slow:
        remedy = (
            f"`wirewatch model test` shows how long its answers take; raise `timeout` "
            f"({format_duration(policy.timeout)}) and `wait` ({format_duration(policy.wait)}, at most 2 minutes) under "
            "model in bot.yaml, lower `at_once`, or take a faster model."
        )
    return Notice(lead=lead, details=(reason,), remedy=remedy, occasion=(f"model failing {now:%Y-%m-%d}",))


def model_use_is_off(name: str, use: Use, reason: str, *, since: datetime) -> Notice:
    """Report that the language model is not asked about one use. ``since`` is the time of its exam."""
    return Notice(
        lead=f"The model {name} is not used for {use}, because its answers cannot be trusted.",
        details=(reason,),
        remedy=f"Remove {use} from uses in bot.yaml, or choose a larger model. It is used again after it has passed "
        "`wirewatch model test`.",
        occasion=(f"model use off {use} {since.isoformat()}",),
    )


def model_weighs_less(name: str, earned: float, weight: float, *, since: datetime) -> Notice:
    """Report that a model's answers count less than its exam allowed. ``since`` is the time of its exam."""
    return Notice(
        lead=f"The answers of the model {name} count less from now on, because some of them were obviously wrong.",
        details=(f"weight {weight:.2f}; its exam had earned {earned:.2f}",),
        remedy="Read its answers with `wirewatch explain`, run `wirewatch model test`, or choose a larger model.",
        occasion=(f"model weight {since.isoformat()}",),
    )


def model_is_back(name: str, *, now: datetime) -> Notice:
    """Report that the language model answered after it had failed."""
    return Notice(lead=f"The model {name} answers again.", occasion=(f"model back {now.isoformat()}",))


def model_budget_spent(name: str, what: str, *, day: date) -> Notice:
    """Report that the day's limit of ``what`` (calls or tokens) is reached."""
    lead = f"The model {name} has used up the {what} for today. Until midnight UTC, Wirewatch decides without it."
    remedy = f"Raise {what}_per_day under model in bot.yaml, or give the model fewer uses."
    return Notice(lead=lead, remedy=remedy, occasion=(f"model budget {day.isoformat()}",))


def model_share_spent(name: str, what: str, article: Article, *, day: date) -> Notice:
    """Report that the articles of one owner have used up their share of ``what`` (calls or tokens)."""
    lead = f"The articles of {article.outlet} have used up a quarter of the {what} of the model {name} for today."
    return Notice(
        lead=lead,
        details=(
            f"feed: {article.outlet}; owner: {article.owner}",
            "Until midnight UTC, Wirewatch decides about its articles without the model.",
        ),
        remedy=f"Raise {what}_per_day under model in bot.yaml, or narrow the rules that match this feed.",
        occasion=(f"model share {article.owner} {day.isoformat()}",),
    )


def silence_made(silence: Silence) -> Notice:
    """Report that somebody made a silence, in a chat, by the CLI or by the API."""
    return Notice(lead="New silence", details=(silence.summary,), occasion=("silence", silence.id))


#: Maximum pieces that one notice lists.
_PIECES = 10


def pieces_set_aside(stage: str, pieces: Sequence[QuarantinedPiece], *, now: datetime) -> Notice:
    """Report pieces of work that were set aside after an error."""
    count = "1 piece of work" if len(pieces) == 1 else f"{len(pieces)} pieces of work"
    listed = [f"{piece.kind} {piece.id}: {piece.error}" for piece in pieces[:_PIECES]]
    if len(pieces) > _PIECES:
        listed.append(f"and {len(pieces) - _PIECES} more")
    remedy = "`wirewatch quarantine list` shows all, `retry` tries them again, and so does the start of a new version."
    if all(piece.kind is PieceKind.ROW for piece in pieces):
        remedy = "`wirewatch quarantine list` shows them. The backup has them as they were."
    return Notice(
        lead=f"{count} set aside at the stage “{stage}” after an error.",
        details=tuple(listed),
        remedy=remedy,
        occasion=("quarantine", stage, now.isoformat()),
    )


def stage_stopped(failure: Failure) -> Notice:
    """Report that a stage fails, whatever it works on, and that therefore nothing is posted."""
    return Notice(
        lead=f"Nothing is posted: the stage “{failure.name}” fails on everything ({failure.error}).",
        details=("Nothing is lost: the articles wait, and the stage is tried again until it works.",),
        remedy="The log has the error. Install the version before this one, or restore the last backup.",
        occasion=("stopped", failure.name, failure.since.isoformat()),
    )


def stage_works_again(failure: Failure) -> Notice:
    """Report that a stage that stopped everything works again."""
    return Notice(
        lead=f"The stage “{failure.name}” works again. What waited is posted now.",
        occasion=("works again", failure.name, failure.since.isoformat()),
    )


def ruling_failed(ruling: Ruling, error: str) -> Notice:
    """Report a split or a merge that could not be carried out because of a bug."""
    return Notice(
        lead=f"The {ruling.kind.value} of story {ruling.story} by {ruling.by} failed because of a bug: {error}.",
        remedy="Ask for it again. If it fails again, report the bug with the error from the log.",
        occasion=("ruling failed", ruling.id),
    )


def index_rebuilt(now: datetime) -> Notice:
    """Report that the index of the articles' words was damaged."""
    return Notice(
        lead="The index of the articles' words was damaged and is built again. Until then a search may miss articles.",
        remedy="Check the disk: other parts of the database may be damaged too.",
        occasion=("index rebuilt", now.isoformat()),
    )
