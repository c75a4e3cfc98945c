"""The addresses and what answers them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from importlib import resources

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot import ports
from bot.answers import day_counts, playground
from bot.answers.answering import Answers
from bot.answers.watched import Watched
from bot.web import callers, feeds_out, health, metrics, websub
from bot.web.guard import HUBS
from bot.web.pages import Pages


def site_of(
    bot: Watched,
    answers: Answers,
    probe: health.Probe,
    counted: metrics.Metrics,
    *,
    counts: day_counts.DayCounts,
    trying: playground.Playground,
    feed_token: str | None,
    for_programs: Sequence[Route],
) -> Starlette:
    """The application of the status page, with health, metrics, pages, and what programs ask for."""
    pages = Pages(bot, answers, counts, trying, feed_token)
    style = resources.files("bot.web").joinpath("static", "style.css").read_bytes()

    async def live(request: Request) -> Response:
        """That it answers is the answer."""
        return JSONResponse({"status": "ok"})

    async def ready(request: Request) -> Response:
        found = await probe.ask()
        is_hidden = found.is_private and not callers.is_known(request.scope)
        reason = "the database does not answer" if is_hidden else found.reason
        body = {"status": "ok" if found.is_ready else "not ready", "reason": reason}
        return JSONResponse(body, 200 if found.is_ready else 503)

    async def numbers(request: Request) -> Response:
        try:
            return Response(await counted.page(), headers={"content-type": metrics.CONTENT_TYPE})
        except ports.StoreError as error:
            return Response(f"{error}\n", 503, media_type="text/plain")

    async def stylesheet(request: Request) -> Response:
        return Response(style, media_type="text/css", headers={"cache-control": "max-age=300"})

    return Starlette(
        routes=[
            Route(HUBS + "{token}", partial(websub.answer, bot, websub.PushCount()), methods=["GET", "POST"]),
            Route("/healthz", ready),
            Route("/healthz/ready", ready),
            Route("/healthz/live", live),
            Route("/metrics", numbers),
            Route("/style.css", stylesheet),
            Route("/", pages.overview),
            Route("/feeds", pages.feeds),
            Route("/feeds/{kind}.{form}", feeds_out.FeedsOut(bot).answer),
            Route("/stories", pages.stories),
            Route("/story/{id}", pages.story),
            Route("/rules", pages.rules),
            Route("/rule", pages.rule),
            Route("/feed", pages.feed),
            Route("/outbox", pages.outbox),
            Route("/configuration", pages.configuration),
            Route("/try", pages.playground),
            Route("/search", pages.search),
            *for_programs,
        ],
        exception_handlers={404: pages.not_found, ports.StoreError: pages.store_failed},
    )
