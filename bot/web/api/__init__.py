"""The API under /api/v1: the questions of ``bot.answers`` over HTTP, described by an OpenAPI document.

    request ─▶ serving ─▶ operations ─▶ answers
                 rates, parameters, ETag     openapi: the same table as a document

Who may ask is decided before, by the guard.
"""

from bot.web.api.serving import routes

__all__ = ["routes"]
