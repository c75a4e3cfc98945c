"""The one HTTP client: conditional requests, bounds, and a guard on every connection.

Knows addresses and bytes; must not know what a feed is, nor when one is due.

    Request → address (scheme, host) → host slot → guard (the connected address) → answer → bounds → Answer
                  ↑_____________________ redirect, at most five ______________________|
"""
