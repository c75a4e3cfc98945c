"""The status page, /healthz and /metrics: what is going on, read-only.

    server ─▶ guard ─▶ site ┬─▶ health      live, ready
                            ├─▶ metrics     numbers for Prometheus
                            ├─▶ pages ─▶ facts, looks, templates/
                            ├─▶ playground  a rule tried on the archive
                            ├─▶ search_page the archive by its words
                            └─▶ feeds_out   stories as Atom and JSON Feed

Changes nothing: every page reads the store in a transaction that only reads. Knows no channel and no database.
"""

from bot.web.health import Readiness, readiness
from bot.web.metrics import Metrics
from bot.web.server import Site, open_site
from bot.web.watched import Watched

__all__ = ["Metrics", "Readiness", "Site", "Watched", "open_site", "readiness"]
