"""Whatever strangers send: one corpus, and one runner for each door through which it comes.

markup.py, items.py, text.py, servers.py    the corpus: documents and answers of servers by name
mails.py            mails by name
doors.py            each door: a function that raises if a promise is broken, its usual documents, words it knows
fuzz.py             sends damaged documents through each door for as long as one likes: ``make fuzz``
test_doors.py       the same for a moment; hostile documents and hostile items through the door of each kind of feed
test_growth.py      each door and each function of text takes time in proportion
test_once.py        the corpus through the fetcher, the reader process and the whole bot, beside a good feed
test_mails.py       the mails through a mailbox and the whole bot
tests/cli/test_hostile_screen.py    what commands show of it

A few lines generate each document when it is needed; none is stored. No document is a real feed.
"""
