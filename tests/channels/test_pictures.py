"""``picture: true``: the article's own picture as a small one, in each service's form; nowhere without the key."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC

import pytest
from msgspec.structs import replace

from bot import channels
from bot.channels import discord, teams, telegram
from bot.channels import email as mail
from bot.channels.slack import blocks
from bot.feeds.kit.fields import MAX_PICTURE, picture_address
from bot.model.channels import Delivery
from bot.testing import messages
from bot.testing.channels import delivery

PICTURE = "https://img.example.org/photo.jpg?w=90&h=60"
SHOWN = replace(messages.POST, picture=PICTURE)
MAIL = mail.Options.model_validate(
    {"to": "desk@example.org", "sender": "bot@example.org", "server": "smtp.example.org"}
)


def compose(sent: Delivery) -> str:
    raw = mail.compose(sent, MAIL, name="desk", now=messages.FIRST, zone=UTC)
    return raw.decode().replace("=\r\n", "").replace("=3D", "=").replace("&amp;", "&")


FORMS: dict[str, tuple[Callable[[Delivery], object], str]] = {
    "slack": (
        lambda sent: blocks.build_blocks(sent.message),
        '"accessory": {"type": "image", "image_url": "PICTURE", "alt_text": "Picture of the article"}',
    ),
    "discord": (lambda sent: discord.build_payload(sent, zone=UTC), '"thumbnail": {"url": "PICTURE"}'),
    "teams": (
        lambda sent: teams.build_card(sent, zone=UTC),
        '{"type": "Image", "url": "PICTURE", "altText": "", "size": "Medium"}',
    ),
    "telegram": (
        lambda sent: telegram.message_content(sent, zone=UTC),
        '"link_preview_options": {"url": "PICTURE", "prefer_small_media": true}',
    ),
    "email": (compose, 'src="PICTURE" width="96" alt=""'),
}


@pytest.mark.parametrize("kind", FORMS)
def test_each_service_shows_the_picture_in_its_form_and_none_without_one(kind: str) -> None:
    form, expected = FORMS[kind]
    shown, without = (json.dumps(form(delivery(message))).replace("\\", "") for message in (SHOWN, messages.POST))
    assert expected.replace("PICTURE", PICTURE) in shown
    assert "img.example.org" not in without
    assert "<img" not in compose(delivery(SHOWN, is_plain=True))


def test_pictures_are_off_without_the_key_and_the_other_kinds_do_not_know_it() -> None:
    fields = {kind: options.model_fields.get("picture") for kind, options in channels.options().items()}
    defaults = {kind: field.default for kind, field in fields.items() if field}
    assert defaults == dict.fromkeys(("slack", "discord", "teams", "telegram", "email"), False)


@pytest.mark.parametrize(
    "address",
    [
        "http://img.example.org/a.jpg",
        "javascript:alert(1)",
        "https://user:pass@img.example.org/a.jpg",
        "https://router.local/a.jpg",
        "https://intranet/a.jpg",
        "https://127.1/a.jpg",
        "https://[::1]/a.jpg",
        "https://img.example.org:8443/a.jpg",
        "https://img.example.org:99999/a.jpg",
        'https://img.example.org/a.jpg" onerror="alert(1)',
        "https://img.example.org/a\u202e.jpg",
        "https://img.example.org/" + "a" * MAX_PICTURE,
    ],
)
def test_an_address_that_could_harm_a_reader_is_no_picture(address: str) -> None:
    assert picture_address(address) == ""
    assert picture_address(f" {PICTURE}\n") == PICTURE
