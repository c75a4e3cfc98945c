"""A story by mail, with the bot killed at each step of the conversation with the mail server."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest

from tests.crash.journey import journey
from tests.testbed.servers import smtp


def keys(server: smtp.Server) -> dict[str, object]:
    address = {"to": ["desk@example.org", "night@example.org"], "sender": "bot@wirewatch.example"}
    return {
        "kind": "email",
        "server": f"127.0.0.1:{server.port}",
        "security": "none",
        "pace": "0.01 seconds",
        **address,
    }


def threads(mails: list[EmailMessage]) -> list[tuple[str, str, str]]:
    """Return the mails that a mail program shows, which drops a second mail with the same Message-ID."""
    shown = {mail["Message-ID"]: mail for mail in mails}
    heads = {ref: place for place, ref in enumerate(shown)}
    return [(mail["Subject"], str(heads.get(mail["In-Reply-To"], "")), first_line(mail)) for mail in shown.values()]


def first_line(mail: EmailMessage) -> str:
    text = mail.get_body(("plain",))
    assert text is not None
    return str(text.get_content()).splitlines()[0]


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_killed_at_any_step_no_mail_is_lost_and_a_second_one_has_the_same_message_id(tmp_path: Path) -> None:
    with smtp.serve() as server:
        async with journey(tmp_path / "calm", keys(server), {}) as calm:
            await calm.run_to_its_end()
        undisturbed = threads(server.mails)
    assert len(undisturbed) >= 3, "a head, its reply and more"
    assert [place for _, place, _ in undisturbed][:2] == ["", "0"], "in the head's thread"
    for steps in (("MAIL", "RCPT desk@example.org", "RCPT night@example.org"), ("TAKEN",)):
        with smtp.serve() as server:
            async with journey(tmp_path / steps[0], keys(server), {}) as killed:
                met: set[str] = set()

                def at(
                    name: str, steps: tuple[str, ...] = steps, met: set[str] = met, server: smtp.Server = server
                ) -> None:
                    # Each step of each message once.
                    mark = f"{name} {len({mail['Message-ID'] for mail in server.mails})}"
                    if name in steps and mark not in met:
                        met.add(mark)
                        killed.kill()

                server.on_step = at
                await killed.run_to_its_end()
            assert killed.codes.count(-9) >= len(steps) * len(undisturbed)
            assert threads(server.mails) == undisturbed, steps
            doubled = len(server.mails) - len(undisturbed)
            assert doubled == (len(undisturbed) if steps == ("TAKEN",) else 0), steps
