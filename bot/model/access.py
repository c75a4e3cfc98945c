"""What a feed needs beside its address: headers, cookies, a login, a proxy, certificates. Names secrets, has none."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any, Self

from bot.model.secrets import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Basic authentication, or a bearer token where ``user`` is None."""

    user: str | None = None
    secret: Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class Access:
    """Sent to the origin of ``home`` and to no other; the proxy alone serves each hop of a redirect."""

    #: The feed's address in feeds.yaml; empty: of a group of hosts, and not of a feed yet.
    home: str = ""
    headers: tuple[tuple[str, str | Secret], ...] = ()
    cookies: tuple[tuple[str, Secret], ...] = ()
    login: Login | None = None
    proxy: str | Secret | None = None
    #: Files in PEM form: the client's certificate, its key where that is a separate file, the trusted authorities.
    certificate: str | None = None
    key: str | None = None
    authority: str | None = None

    def over(self, group: Access) -> Self:
        """What this leaves out is taken from ``group``."""
        said: dict[str, Any] = {each.name: getattr(self, each.name) for each in fields(self)}
        return replace(self, **{name: value or getattr(group, name) for name, value in said.items()})
