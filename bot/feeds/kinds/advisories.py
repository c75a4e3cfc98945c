"""Security advisories, as GitHub's API lists them: of a repository, or of its whole database."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from bot import model
from bot.feeds.kinds import jsonfeed
from bot.feeds.kinds.jsonfeed import Json, text_field
from bot.model import Body, ReadError

KIND = "advisories"


class Source:
    """Parses lists of advisories."""

    def recognises(self, body: Body) -> bool:
        """Never: any JSON might be one, so that only a feed that names the kind is parsed as one."""
        return False

    def read(self, body: Body) -> model.ParsedFeed:
        """Blocking. Raises ReadError."""
        return jsonfeed.parse_api_answer(body, title="Security advisories", items_of=_items)


def _items(answer: Json) -> Iterator[Mapping[str, Json]]:
    if not isinstance(answer, list):
        told = text_field(answer, "message")[:200] if isinstance(answer, Mapping) else ""
        raise ReadError(f"no list of advisories{f': {told}' if told else ''}")
    for each in answer:
        if isinstance(each, Mapping) and text_field(each, "ghsa_id"):
            yield _item(each)


def _item(advisory: Mapping[str, Json]) -> Mapping[str, Json]:
    packages = [found for each in _list(advisory, "vulnerabilities") if (found := _package(each))]
    named = " ".join(part for part in (text_field(advisory, "cve_id"), text_field(advisory, "ghsa_id")) if part)
    head = f"{text_field(advisory, 'severity')} severity; {named}; {', '.join(dict.fromkeys(packages))}".strip("; ")
    return {
        "id": text_field(advisory, "ghsa_id"),
        "url": text_field(advisory, "html_url"),
        "title": text_field(advisory, "summary") or named,
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


def _list(item: Mapping[str, Json], key: str) -> list[Json]:
    found = item.get(key)
    return found[:100] if isinstance(found, list) else []
