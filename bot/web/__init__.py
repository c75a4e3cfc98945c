"""The status page, /healthz, /metrics and the API: what is going on.

    server ─▶ guard ─▶ site ┬─▶ health      live, ready
                            ├─▶ metrics     numbers for Prometheus
                            ├─▶ pages ─▶ facts, looks, templates/
                            ├─▶ feeds_out   stories as Atom and JSON Feed
                            └─▶ api ─▶ answers    the same for programs, and what their tokens allow them to do

Pages change nothing: each reads the store in a transaction that only reads. Knows no channel and no database.
"""

from bot.queries.watched import Watched
from bot.web.health import Readiness, readiness
from bot.web.metrics import Metrics
from bot.web.server import Site, open_site

__all__ = ["Metrics", "Readiness", "Site", "Watched", "open_site", "readiness"]
