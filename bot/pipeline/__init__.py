"""The stages from a feed to a channel.

poll ──▶ intake ──▶ decision queue ──▶ decide ──▶ outbox ──▶ send
fetch    identify,                    join, alerts,          deliver, retry,
parse    match, write                 messages               look up

passes    one pass over due feeds: poll, intake, decide
turn      the data of one turn of deciding: cached reads, unwritten changes
actions   actions of people: judge, claim, silence, split, merge
keep      heartbeat, retention, clock changes, expected matches
backtest  a trial of rules on the archive
"""
