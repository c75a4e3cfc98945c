"""When to post: each answer is a decision with a named reason.

Pure. Knows no channel, no store and no clock: it is told the time and what was said before.

    nothing posted yet                           posted
    -------------------------------------------  ---------------------------------------------
    only baseline articles     hold: baseline    another rule          reply: rule
    too few owners             hold: min outlets its min_outlets met   reply: corroboration
    every rule is a digest     hold: digest      a posted article is   reply: correction
    quiet hours, not high      hold: quiet hours   materially edited
    its rule spoke just now    hold: cooldown    a fact not yet said   reply: new fact
    the channel's hour is full hold: rate cap    another outlet        edit:  added outlet
    it waits for outlets       hold: gather      another article       edit:  added article
    else                       post: first report a copy               silent: copy

Where a gathered message lists the story, it is edited so, and the first reply comes with a post of the story's own.

Under a rule with reminders, a posted story in which a deadline lies ahead is held for the next one (hold: reminder);
its thread says so then (reply: reminder).

Silences come before all of this: a story is silent (silenced) while it, every rule or every article of it is silenced,
and what is silenced in a posted one is left out.
"""

from bot.alerts import routing
from bot.alerts.active_feedback import active_feedback
from bot.alerts.decide import Situation, decide
from bot.alerts.holds import Hold, hold_for
from bot.alerts.record import record
from bot.alerts.release import Released, release
from bot.alerts.reminders import due, plan
from bot.alerts.silencing import without_silenced
from bot.alerts.times import next_digest, quiet_until

__all__ = [
    "Hold",
    "Released",
    "Situation",
    "active_feedback",
    "decide",
    "due",
    "hold_for",
    "next_digest",
    "plan",
    "quiet_until",
    "record",
    "release",
    "routing",
    "without_silenced",
]
