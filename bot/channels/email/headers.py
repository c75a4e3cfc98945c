"""Header fields that no text can break out of, in folded lines of ASCII.

Not by ``EmailMessage``: it writes encoded words of more than the 75 characters that RFC 2047 allows, and leaves first
lines empty.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from email.header import Header
from email.headerregistry import Address
from email.utils import formataddr

#: RFC 5322, section 2.1.1, and RFC 2047, section 2.
_LINE = 76
#: Visible ASCII, with folds.
_FIELD = re.compile(r"[ -~]*(?:\r\n [!-~][ -~]*)*")


def words(text: str, *, name: str) -> str:
    """Encode a text as the value of the field ``name``."""
    charset = "us-ascii" if text.isascii() else "utf-8"
    return Header(text, charset, maxlinelen=_LINE, header_name=name).encode(linesep="\r\n")


def mailboxes(addresses: Sequence[Address]) -> str:
    """Encode addresses as a list, with a line for each."""
    return ",\r\n ".join(_mailbox(address) for address in addresses)


def _mailbox(address: Address) -> str:
    if address.display_name.isascii():
        return formataddr((address.display_name, address.addr_spec))
    return f"{words(address.display_name, name='Reply-To')}\r\n <{address.addr_spec}>"


def block(fields: Mapping[str, str]) -> bytes:
    """Encode all fields. Raises ValueError for a value that would begin a new field."""
    for name, value in fields.items():
        if not _FIELD.fullmatch(value):
            raise ValueError(f"the value of the header {name} has characters that are not allowed")
    return "".join(f"{name}: {value}\r\n" for name, value in fields.items()).encode("ascii")
