"""The stages from a feed to a channel.

poll ──▶ intake ──▶ decision queue ──▶ decide ──▶ outbox ──▶ send
fetch    identify,                    join, alerts,          deliver, retry,
parse    match, write                 messages               look up

In the order in which to read them:

poll         fetch and parse one feed
intake       identify its items and match them; write articles, matches and the decision queue
passes       one pass over the due feeds: poll, intake, decide; its report, and observers, are in reports
turn         one batch of decisions, or one action: cached reads, and changes that one transaction commits
decide       the tasks of deciding, each in turns of its own; about articles:
join         articles to stories; before, meaning encodes articles, and ask asks a language model about them
dispatch     changed stories to channels: what is posted, held or left out; silences hold posts back
messages     decisions to rows of the outbox
briefs, volume, audit
             reports of a period, surges of a rule, what only outside indexes listed
actions      what people do: judge, silence, split, merge; rights says who may
send         rows of the outbox to channels; send_policy says what follows an outcome
quarantine   set aside work on which a stage raises; control tries a stage on invented work, retry puts work back
keep         heartbeat, retention, clock changes, expected matches
"""
