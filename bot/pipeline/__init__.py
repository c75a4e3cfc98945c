"""The stages from a feed to a channel.

poll ──▶ intake ──▶ decision queue ──▶ decide ──▶ outbox ──▶ send
fetch    identify,                    join, alerts,          deliver, retry,
parse    match, write                 messages               look up

passes   one pass over due feeds: poll, intake, decide
decide   turns of deciding: join (articles to stories), dispatch (stories to channels), messages (outbox rows)
turn     the data of one turn: cached reads, changed stories, unwritten changes
ask      questions to a language model about queued articles, before their turn
actions  actions of people: judge, silence, split, merge
keep     heartbeat, retention, clock changes, expected matches
"""
