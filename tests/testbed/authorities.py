"""One authority for the clients that tests make: to read all that the machine trusts takes 6 ms for each client."""

from __future__ import annotations

import os
import ssl
from pathlib import Path
from typing import Any

import certifi

#: It has signed no server's certificate.
_ONE = str(Path(__file__).parent / "servers" / "tls" / "client.pem")
_OF_THE_MACHINE = {certifi.where(), os.environ.get("SSL_CERT_FILE"), ssl.get_default_verify_paths().cafile} - {None}
_load = ssl.SSLContext.load_verify_locations


def trust_one() -> None:
    """Make the contexts of this process read one authority instead of the machine's."""
    ssl.SSLContext.load_verify_locations = _load_one  # type: ignore[method-assign, assignment]


def _load_one(context: ssl.SSLContext, cafile: Any = None, capath: Any = None, cadata: Any = None) -> None:
    if cafile in _OF_THE_MACHINE:
        cafile, capath = _ONE, None
    _load(context, cafile, capath, cadata)
