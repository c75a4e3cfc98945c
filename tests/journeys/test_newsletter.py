"""A newsletter, from a real mailbox to a Slack message, at once by IDLE, and its password in no text."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from datetime import timedelta
from email.message import EmailMessage
from pathlib import Path

import pytest

from bot import app, config, model
from bot.app import runtime
from bot.app.clock import SystemClock
from bot.fetch.client import HttpFetcher
from bot.polling import timing
from testbed.servers import imap
from testbed.servers.feeds import TLS
from tests.fetch.conftest import POLICY
from tests.journeys.test_buttons import until
from tests.journeys.test_private_feed import holding
from tests.journeys.test_squatted_link import NEWS
from tests.journeys.world import world
from tests.sources.test_mails import mail


def client(environ: Mapping[str, str], policy: model.FetchPolicy = POLICY) -> HttpFetcher:
    tls = ssl.create_default_context(cafile=TLS / "ca.pem")
    return HttpFetcher(
        policy,
        SystemClock(),
        tls=tls,
        resolve=lambda host, port: ("127.0.0.1",),
        secret_of=lambda secret: config.resolve(secret, environ),
    )


def newsletter() -> EmailMessage:
    titles = (NEWS.title, "The office is closed on Friday afternoon", "A new chairman for the authority")
    rows = "".join(
        f"<h2><a href='https://wire.example/{n}'>{title}</a></h2><p>Text.</p>" for n, title in enumerate(titles)
    )
    made = mail("Your briefing", html=f"<html><body>{rows}</body></html>")
    del made["Date"]
    return made


async def test_a_newsletter_is_posted_as_soon_as_it_arrives(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The first poll was a moment ago.
    monkeypatch.setattr(timing, "LEAST_AFTER_NEWS", timedelta())
    async with imap.serve() as box, world(tmp_path) as made:
        made.configure()
        made.environ["MAIL_PASSWORD"] = imap.PASSWORD
        feed = (
            f"feeds:\n  - url: imap://feeds.test:{box.port}/INBOX\n    kind: imap\n    owner: wire\n"
            f"    auth: {{basic: {{user: {imap.USER}, password: env:MAIL_PASSWORD}}}}\n"
        )
        (made.folder / "feeds.yaml").write_text(feed)
        settings = app.load(made.folder, made.environ)
        assert not [problem for problem in settings.problems if problem.severity == "error"]
        environment = app.Environment(environ=made.environ, fetcher=client(made.environ))
        stop = asyncio.Event()
        async with runtime.opened(settings, environment) as running, asyncio.TaskGroup() as group:
            group.create_task(running.run(stop))
            try:
                while not (await running.store.read(lambda tx: tx.feeds.all()))[0].baseline_at:  # noqa: ASYNC110 - a poll
                    await asyncio.sleep(0.1)
                await asyncio.to_thread(box.deliver, newsletter())
                # The next poll by the clock is in five minutes.
                await until(made.heads)
            finally:
                stop.set()
        [post] = made.heads()
        assert NEWS.title in str(post)
        assert "chairman" not in str(post)
        captured = capfd.readouterr()
        assert imap.PASSWORD not in f"{made.heads()}{made.heads('ops')}{captured.out}{captured.err}"
        assert not holding(tmp_path, imap.PASSWORD.encode())
