"""Compose a message as a mail: headers that no text can break out of, a text part and an HTML part.

``EmailMessage`` does not write the headers, because its encoded words are longer than the 75 characters that RFC 2047
allows, and it leaves first lines empty.
"""

from __future__ import annotations

import email.policy
import html
import re
from collections.abc import Mapping, Sequence
from datetime import datetime, tzinfo
from email.header import Header
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import format_datetime, formataddr
from urllib.parse import quote

from bot import model
from bot.channels.kit import outline, phrases, rendering
from bot.channels.kit.outline import Style

#: Maximum length of a line (RFC 5322, section 2.1.1, and RFC 2047, section 2).
_LINE_LENGTH = 76
#: The value of a field: printable ASCII characters, folded into lines.
_FIELD = re.compile(r"[ -~]*(?:\r\n [!-~][ -~]*)*")


def encode_words(text: str, *, name: str) -> str:
    """Encode a text as the value of the field ``name``."""
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, maxlinelen=_LINE_LENGTH, header_name=name).encode(linesep="\r\n")


def encode_mailboxes(addresses: Sequence[Address]) -> str:
    """Encode addresses as a list, with one line for each address."""
    return ",\r\n ".join(_encode_mailbox(address) for address in addresses)


def _encode_mailbox(address: Address) -> str:
    if address.display_name.isascii():
        return formataddr((address.display_name, address.addr_spec))
    return f"{encode_words(address.display_name, name='Reply-To')}\r\n <{address.addr_spec}>"


def encode_headers(fields: Mapping[str, str]) -> bytes:
    """Encode all fields. Raises ValueError for a value that would begin a new field."""
    for name, value in fields.items():
        if not _FIELD.fullmatch(value):
            raise ValueError(f"the value of the header {name} has characters that are not allowed")
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("ascii")


#: Gmail clips mails longer than 102 kB (support.google.com/mail, "Message clipped"), including the other parts.
HTML_LIMIT_BYTES = 80_000
_SUBJECT_LENGTH = 180
#: Mail programs drop style sheets but keep the styles of elements.
_CSS = {
    Style.HEAD: "margin:4px 0 10px;font-size:19px;line-height:1.3",
    Style.LINE: "margin:6px 0",
    Style.QUOTE: "margin:8px 0;padding-left:12px;border-left:3px solid #d0d0d0",
    Style.ITEM: "margin:6px 0;padding-left:22px",
    Style.SMALL: "margin:12px 0 0;font-size:13px;line-height:1.4;color:#666666",
}
_PAGE = (
    '<!DOCTYPE html>\n<html><head><meta charset="utf-8"></head>\n'
    '<body style="margin:0;padding:16px;max-width:640px;font:15px/1.5 -apple-system,Segoe UI,Arial,sans-serif;'
    'color:#1d1c1d;overflow-wrap:anywhere">\n{body}\n'
    '<p style="margin:16px 0 0;font-size:12px;color:#888888">{foot}</p>\n'
    "</body></html>\n"
)
_POLICY = email.policy.SMTP.clone(cte_type="7bit")
_DOT_ATOM = re.compile(r"[A-Za-z0-9-]+")


def message_id(delivery_id: str, domain: str) -> str:
    """Return the Message-ID (RFC 5322, 3.6.4). All attempts have the same id, so mail programs drop repeated mails."""
    return f"<{''.join(_DOT_ATOM.findall(delivery_id))}@wirewatch.{domain}>"


def compose(
    delivery: model.Delivery,
    *,
    sender: Address,
    to: Sequence[Address],
    name: str,
    unsubscribe: str,
    now: datetime,
    zone: tzinfo,
) -> bytes:
    """Return a mail. ``name`` is the channel's name, for filters. ``unsubscribe`` is a mailto: or https: URL."""
    message = delivery.message
    fields = {
        "From": encode_mailboxes([sender]),
        "To": encode_mailboxes(to),
        "Subject": encode_words(subject_of(delivery), name="Subject"),
        "Date": format_datetime(now),
        "Message-ID": message_id(delivery.id, sender.domain),
    }
    if delivery.reply_to is not None:
        # Replies refer to the head (RFC 5322, section 3.6.4), because a mailbox may lack other replies.
        fields |= {"In-Reply-To": delivery.reply_to.ref, "References": delivery.reply_to.ref}
    if message.severity is model.Severity.HIGH:
        fields["Importance"] = "high"
    # Prevent automatic answers: RFC 3834, section 5; Exchange has its own header.
    fields |= {"Auto-Submitted": "auto-generated", "X-Auto-Response-Suppress": "All"}
    label = "-".join(_DOT_ATOM.findall(name)) or "alerts"
    fields |= {"List-Id": f"<{label}.wirewatch.{sender.domain}>", "List-Unsubscribe": f"<{unsubscribe}>"}
    if unsubscribe.startswith("https:"):
        # Let readers unsubscribe with one click (RFC 8058, section 3.1).
        fields["List-Unsubscribe-Post"] = "List-Unsubscribe=One-Click"
    foot = f"Sent by Wirewatch to the list {phrases.cut(phrases.clean(name), 60)}."
    return encode_headers(fields) + _build_content(delivery, foot, zone).as_bytes()


def _build_content(delivery: model.Delivery, foot: str, zone: tzinfo) -> EmailMessage:
    """Return the parts in ASCII lines of at most 76 characters, which every server accepts unchanged."""
    message = delivery.message
    content = EmailMessage(policy=_POLICY)
    text = rendering.plain_message(message, names_story=delivery.reply_to is None, zone=zone)
    content.set_content(f"{text}\n\n-- \n{foot}\n", cte="quoted-printable")
    if not delivery.is_plain:
        page = outline.render_to_fit(
            message,
            lambda lines: _PAGE.format(body=rendering.render_html(lines, styles=_CSS), foot=html.escape(foot)),
            lambda page: len(page.encode()) <= HTML_LIMIT_BYTES,
            names_story=delivery.reply_to is None,
            zone=zone,
        )
        content.add_alternative(page, subtype="html", cte="quoted-printable")
    return content


def subject_of(delivery: model.Delivery) -> str:
    """Return the subject. A reply has "Re:" and the subject of its head, because Gmail groups threads by subject."""
    message = delivery.message
    if delivery.reply_to is not None and delivery.reply_to.subject:
        return f"Re: {delivery.reply_to.subject}"
    words = rendering.plain_title(message, _SUBJECT_LENGTH)
    if message.briefs and not message.is_gathered:
        words = phrases.headline(message.briefs[0], _SUBJECT_LENGTH)
        words = f"[High] {words}" if message.severity is model.Severity.HIGH else words
        words = f"Re: {words}" if message.kind is model.MessageKind.REPLY else words
    # Break text that looks like an encoded word (RFC 2047), because mail programs would decode it.
    return words.replace("=?", "= ?")


def unsubscribe_address(sender: Address, name: str) -> str:
    """Return a mailto: URL to the sender, whose mailbox a person reads."""
    words = quote(f"unsubscribe {phrases.cut(phrases.clean(name), 60)}", safe="")
    return f"mailto:{sender.addr_spec}?subject={words}"
