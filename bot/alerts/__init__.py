"""Decide when to post, in pure functions of a ``Situation``. Every result is a decision with a named reason.

    nothing posted yet                           posted
    -------------------------------------------  ---------------------------------------------
    too few owners             hold: min outlets another rule          reply: rule
    only baseline articles     hold: baseline    its min_outlets met   reply: corroboration
    every rule waits for brief hold: brief       a posted article is   reply: correction
    quiet hours, not high      hold: quiet hours   materially edited
                                                 another event of its  reply: other event
                                                   thread
    the hour of its channel    hold: rate cap    a fact not yet posted reply: new fact
      or its rules is full                       another outlet        edit:  added outlet
    it waits for outlets       hold: gather      another article       edit:  added article
    else                       post: first report a copy               silent: copy

If a listing shows the story, edits go to that message. The first reply comes with a separate post of the
story. If every rule of a posted story waits for the brief, its news is silent (brief): the next brief lists it.

Silences are checked first. A story is silent (silenced) while the story itself, all its rules or all its articles are
silenced. Otherwise, its decisions ignore silenced rules and silenced new articles.
"""

from bot.alerts import routing
from bot.alerts.decide import decide, record_decision
from bot.alerts.feedback import active_feedback
from bot.alerts.holds import release, release_to_brief
from bot.alerts.silences import ActiveSilences
from bot.alerts.situation import Situation, next_brief_time, quiet_hours_end

__all__ = [
    "ActiveSilences",
    "Situation",
    "active_feedback",
    "decide",
    "next_brief_time",
    "quiet_hours_end",
    "record_decision",
    "release",
    "release_to_brief",
    "routing",
]
