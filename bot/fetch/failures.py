"""Describe the HTTP library's exceptions for people: what happened and what to do."""

from __future__ import annotations

import ssl

import httpx

#: OpenSSL's X509 verification codes (openssl/x509_vfy.h).
_CERTIFICATE = {
    9: "its certificate is not yet valid; check this machine's clock",
    10: "its certificate has expired; tell the publisher",
    18: "its certificate is self-signed; trust it with SSL_CERT_FILE if it is yours",
    19: "its certificate comes from an authority that is not trusted here; trust it with SSL_CERT_FILE if it is yours",
    20: "its certificate comes from an authority that is not trusted here, or the server leaves out the middle of its"
    " chain; tell the publisher, or trust it with SSL_CERT_FILE if it is yours",
    62: "its certificate is for another name; correct the host in feeds.yaml, or tell the publisher",
    64: "its certificate is for another name; correct the host in feeds.yaml, or tell the publisher",
}


def told(error: httpx.HTTPError, host: str) -> str:
    """Describe ``error`` in one line, without any text from the server."""
    cause = _cause(error, ssl.SSLCertVerificationError)
    if isinstance(cause, ssl.SSLCertVerificationError):
        return f"{host}: {_CERTIFICATE.get(cause.verify_code, f'its certificate is refused ({cause.verify_message})')}"
    if _cause(error, ssl.SSLError) is not None:
        return f"{host}: no TLS connection could be agreed on; the address may want http instead of https"
    if isinstance(error, (httpx.ConnectTimeout, httpx.ReadTimeout, httpx.WriteTimeout, httpx.PoolTimeout)):
        return f"{host} gives no answer in time; it will be tried again"
    if isinstance(error, httpx.ConnectError):
        refused = _cause(error, ConnectionRefusedError) is not None or "refused" in str(error).lower()
        what = "refuses the connection" if refused else "cannot be reached"
        return f"{host} {what}; it will be tried again"
    if isinstance(error, httpx.ProxyError):
        return "the proxy of the environment refuses the request; check HTTP_PROXY and HTTPS_PROXY"
    if isinstance(error, (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError)):
        return f"{host} broke off, or does not use HTTP; it will be tried again"
    return f"{host}: the request failed ({type(error).__name__}); it will be tried again"


def _cause(error: BaseException | None, kind: type[BaseException]) -> BaseException | None:
    """Return the first exception of ``kind`` in the chain."""
    seen = 0
    while error is not None and seen < 10:
        if isinstance(error, kind):
            return error
        error = error.__cause__ or error.__context__
        seen += 1
    return None
