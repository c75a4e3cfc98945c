"""Fetch feeds, pages and mails within limits, and parse documents in processes that can do no harm.

Works on addresses and bytes; must not depend on when a feed is due.

    Request → address (scheme, host) → host slot → guard (the connected address) → response → limits → Response
                  ↑_____________________ redirect, at most five ________________________|
"""
