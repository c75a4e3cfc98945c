"""The status page, /healthz, /metrics and the API.

    server ─▶ access ─▶ site ┬─▶ health      live, ready
                            ├─▶ metrics     numbers for Prometheus
                            ├─▶ pages ─▶ page_data, formatting, templates/
                            ├─▶ feeds_out   stories as Atom and JSON Feed
                            └─▶ api ─▶ questions    the same for programs, and the actions that their tokens allow

Pages change nothing: each reads the store in a read-only transaction. The package depends on no channel or database.
"""

from bot.queries.watched import Watched
from bot.web.health import Readiness, readiness
from bot.web.metrics import Metrics
from bot.web.server import Site, open_site

__all__ = ["Metrics", "Readiness", "Site", "Watched", "open_site", "readiness"]
