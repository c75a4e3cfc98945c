"""The stages from a feed to a channel.

poll ──▶ intake ──▶ decision queue ──▶ decide ──▶ outbox ──▶ send
fetch    identify,                    join, alerts,          deliver, retry,
parse    match, write                 messages               look up

passes    one pass over due feeds: poll, intake, decide
turn      what one turn of deciding reads and writes
actions   what people do: judge, claim, silence, split, merge
keep      heartbeat, retention, clock changes
backtest  rules tried on the archive
"""
