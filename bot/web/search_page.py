"""The search page: a form, and what it finds in the archive."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Protocol

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from bot import ports, rules
from bot.answers.watched import Watched
from bot.rules import search
from bot.web import guard

_FIELDS = ("q", "outlet", "rule", "from", "to")


class Render(Protocol):
    """Makes a page of a template."""

    async def __call__(self, name: str, request: Request, *, status: int = 200, **values: object) -> Response: ...


class SearchPage:
    """Answers the requests for it."""

    def __init__(self, watched: Watched, render: Render) -> None:
        self._watched = watched
        self._render = render

    async def answer(self, request: Request) -> Response:
        """The form; with words in it, a page of what they find."""
        form = {name: request.query_params.get(name, "").strip() for name in _FIELDS}
        page: search.Page | None = None
        problem = remark = after = ""
        # A link on another site may fill the form; to run it is for whoever reads it.
        if any(form.values()) and guard.is_foreign(request.headers):
            remark = "A link on another site filled in this search. Check it, then press “Search”."
        elif any(form.values()):
            try:
                asked = asked_of(request.query_params, self._watched.clock.now())
                page = await self._watched.store.read_long(lambda tx: search.look(tx, asked))
                if page.after is not None:
                    after = f"?{request.url.include_query_params(after=page.after).query}"
            except rules.QueryError as error:
                problem = search.located(form["q"], error)
            except ValueError as error:
                problem = str(error)
            except ports.SearchTooLong as error:
                remark = f"{error}."
        return await self._render(
            "search.html", request, form=form, page=page, after=after, problem=problem, remark=remark
        )


def asked_of(given: QueryParams | Mapping[str, str], now: datetime) -> search.Asked:
    """The search that an address asks for. Raises QueryError with offsets into ``q``, ValueError for a date."""
    words, outlet, rule, since, until = (given.get(name, "").strip() for name in _FIELDS)
    after = given.get("after", "")
    return search.Asked(
        wanted=search.read(words) if words else None,
        outlet=outlet[: search.MOST_CHARACTERS] or None,
        rule=rule or None,
        since=search.moment(since, now) if since else None,
        until=search.moment(until, now) if until else None,
        before=int(after) if after.isascii() and after.isdigit() and len(after) < 19 else None,
    )
