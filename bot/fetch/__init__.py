"""Fetch feeds, pages and mails within bounds, and parse documents in processes that can do no harm.

Knows addresses and bytes; must not know when a feed is due.

    Request → address (scheme, host) → host slot → guard (the connected address) → response → bounds → Answer
                  ↑_____________________ redirect, at most five ________________________|
"""
