"""Whether a message that is edited or answered is in the place that is configured now. Knows no channel."""

from __future__ import annotations

from bot import model, ports


def check_edited(edited: model.Receipt | None, *places: str) -> None:
    """Raise NotEditable if the message to edit is not in one of the configured places."""
    if edited is not None and edited.place not in places:
        raise ports.NotEditable("the message is in another channel than the one configured now")


def check_thread(head: model.Receipt | None, *places: str) -> None:
    """Raise ThreadGone if the head of the thread to reply in is not in one of the configured places."""
    if head is not None and head.place not in places:
        raise ports.ThreadGone("the thread is in another channel than the one configured now")
