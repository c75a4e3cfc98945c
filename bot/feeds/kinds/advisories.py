"""``kind: advisories``: parse security advisories from GitHub's API, of one repository or of the whole database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot.feeds.kinds import jsonfeed
from bot.feeds.kinds.jsonfeed import Json, text_field
from bot.model.errors import ReadError
from bot.model.feeds import ParsedFeed
from bot.model.fetching import Body

KIND = "advisories"


class Source:
    """Parses lists of advisories."""

    def recognises(self, body: Body) -> bool:
        """Return False, because nothing in the JSON identifies the kind; the feed must name it."""
        return False

    def read(self, body: Body) -> ParsedFeed:
        """Parse a list of advisories. Blocking. Raises ReadError."""
        return jsonfeed.parse_api_answer(body, title="Security advisories", items_of=_items, convert=_item)


def _items(answer: Json) -> Iterator[Mapping[str, Json]]:
    if not isinstance(answer, list):
        message = text_field(answer, "message")[:200] if isinstance(answer, Mapping) else ""
        raise ReadError(f"not a list of advisories{f': {message}' if message else ''}")
    for advisory in answer:
        if isinstance(advisory, Mapping) and text_field(advisory, "ghsa_id"):
            yield advisory


def _item(advisory: Mapping[str, Json]) -> Mapping[str, Json]:
    vulnerabilities = advisory.get("vulnerabilities")
    packages = map(_package, vulnerabilities[:100] if isinstance(vulnerabilities, list) else ())
    ids = " ".join(part for part in (text_field(advisory, "cve_id"), text_field(advisory, "ghsa_id")) if part)
    head = (
        f"{text_field(advisory, 'severity')} severity; {ids}; {', '.join(filter(None, dict.fromkeys(packages)))}".strip(
            "; "
        )
    )
    return {
        "id": text_field(advisory, "ghsa_id"),
        "url": text_field(advisory, "html_url"),
        "title": text_field(advisory, "summary") or ids,
        "content_text": f"{head}\n\n{text_field(advisory, 'description')}",
        "date_published": text_field(advisory, "published_at"),
        "date_modified": text_field(advisory, "updated_at"),
    }


def _package(vulnerability: Json) -> str:
    package = vulnerability.get("package") if isinstance(vulnerability, Mapping) else None
    if not isinstance(package, Mapping) or not isinstance(vulnerability, Mapping):
        return ""
    versions = text_field(vulnerability, "vulnerable_version_range")
    return f"{text_field(package, 'name')} {versions}".strip()
