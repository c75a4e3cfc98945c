"""The status page, /healthz, /metrics and the API.

    server ─▶ access ─▶ site ┬─▶ health      live, ready
                            ├─▶ metrics     numbers for Prometheus
                            ├─▶ pages ─▶ formatting, templates/
                            ├─▶ feeds_out   stories as Atom and JSON Feed
                            └─▶ api         a FastAPI route for each query; tokens allow actions

Pages change nothing, because each reads the store in a read-only transaction.
"""
