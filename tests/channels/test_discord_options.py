"""What is written under a Discord channel in bot.yaml: an error says what to write instead."""

from __future__ import annotations

import pydantic
import pytest

from bot import channels


@pytest.mark.parametrize(
    ("written", "words"),
    [
        ({"to": "123456789012345678"}, "give to and token"),
        ({"to": "123456789012345678", "token": "env:T", "webhook": "env:H"}, "leave out"),
        ({"to": "#news", "token": "env:T"}, "Copy Link"),
        ({"to": "123456789012345678", "token": "env:T", "pace": "0 seconds"}, "at least 1 second"),
        ({"to": "123456789012345678", "token": "env:T", "api_url": "discord.example"}, "https://"),
        ({"to": "123456789012345678", "token": "literal"}, "env:NAME"),
    ],
)
def test_wrong_options_say_what_to_write(written: dict[str, str], words: str) -> None:
    with pytest.raises(pydantic.ValidationError, match=words):
        channels.options()["discord"].model_validate(written)


def test_a_channels_link_is_as_good_as_its_id() -> None:
    link = "https://discord.com/channels/111111111111111111/123456789012345678"
    options = channels.options()["discord"].model_validate({"to": link, "token": "env:T"})
    assert options.model_dump()["to"] == "123456789012345678"
