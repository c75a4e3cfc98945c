"""Security advisories, as GitHub's API lists them: of a repository, or of its whole database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot import model
from bot.ports import Body, ReadError
from bot.sources.jsonfeed import Json
from bot.sources.kit import as_json_feed
from bot.sources.kit.as_json_feed import text

KIND = "advisories"


class Source:
    """Parses lists of advisories."""

    def recognises(self, body: Body) -> bool:
        """Never: any JSON might be one, so that only a feed that names the kind is parsed as one."""
        return False

    def read(self, body: Body) -> model.Reading:
        """Blocking. Raises ReadError."""
        return as_json_feed.read(body, title="Security advisories", items_of=_items)


def _items(answer: Json) -> Iterator[Mapping[str, Json]]:
    if not isinstance(answer, list):
        told = text(answer, "message")[:200] if isinstance(answer, Mapping) else ""
        raise ReadError(f"no list of advisories{f': {told}' if told else ''}")
    for each in answer:
        if isinstance(each, Mapping) and text(each, "ghsa_id"):
            yield _item(each)


def _item(advisory: Mapping[str, Json]) -> Mapping[str, Json]:
    packages = [found for each in _list(advisory, "vulnerabilities") if (found := _package(each))]
    named = " ".join(part for part in (text(advisory, "cve_id"), text(advisory, "ghsa_id")) if part)
    head = f"{text(advisory, 'severity')} severity; {named}; {', '.join(dict.fromkeys(packages))}".strip("; ")
    return {
        "id": text(advisory, "ghsa_id"),
        "url": text(advisory, "html_url"),
        "title": text(advisory, "summary") or named,
        "content_text": f"{head}\n\n{text(advisory, 'description')}",
        "date_published": text(advisory, "published_at"),
        "date_modified": text(advisory, "updated_at"),
    }


def _package(vulnerability: Json) -> str:
    package = vulnerability.get("package") if isinstance(vulnerability, Mapping) else None
    if not isinstance(package, Mapping) or not isinstance(vulnerability, Mapping):
        return ""
    versions = text(vulnerability, "vulnerable_version_range")
    return f"{text(package, 'name')} {versions}".strip()


def _list(item: Mapping[str, Json], key: str) -> list[Json]:
    found = item.get(key)
    return found[:100] if isinstance(found, list) else []
