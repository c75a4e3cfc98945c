"""Read feeds.yaml: expand addresses, read the keys of each feed's kind, and check each feed."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from collections.abc import Sequence as SequenceOf
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Annotated, ClassVar
from urllib.parse import urlsplit

from bot import keys, plugins
from bot.config import blocks, nodes, secrets, validation
from bot.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, scalars_of, value_of
from bot.config.problems import ProblemReport, report_broken
from bot.durations import format_duration
from bot.feeds import links, places
from bot.keys import Key
from bot.model import visible
from bot.model.access import Access, Secret
from bot.model.feeds import Feed, feed_place

MAILBOXES = ("imaps", "imap")
SCHEMES = ("http", "https", *MAILBOXES)


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedFile:
    """The list of feeds to poll."""

    __pydantic_config__: ClassVar = {"extra": "forbid"}

    feeds: Annotated[
        tuple[Annotated[Feed, keys.OrText()], ...],
        Key("A list of addresses, or of blocks with url and other keys."),
    ]


def expand_address(written: str) -> Feed:
    """Return the feed of an address (web or mailbox) or of a short form, with the defaults of its site in ``places``.

    Raises InvalidValue.
    """
    if place := places.find_place(written):
        try:
            return places.expand_short_form(written)
        except places.Unfit as unfit:
            message = f'"{keys.shorten(written)}" is not a feed of {place.name}'
            raise keys.InvalidValue("address", message, str(unfit)) from None
    parts = keys.split_address(written)
    if parts is None or parts[0] not in SCHEMES:
        advice = "write the whole address: https://…"
        if re.match(r"feed:(//|https?:)", written):
            advice = "write https:// instead of feed:"
        elif parts is not None and parts[0] == "" and re.match(r"[\w-]+(\.[\w-]+)+(/|\Z)", written):
            advice = f"write https://{written}"
        elif re.match(r"/?[ru]/\w", written):
            advice = f"write reddit:{written.strip('/')}"
        elif (name := written.partition(":")[0].strip().replace(" ", "-").lower()) in places.get_places():
            advice = f"write {name}:{written.partition(':')[2].strip()}"
        elif parts is not None and keys.find_nearest(parts[0], ("http", "https")):
            advice = f'did you mean "https:{written.partition(":")[2]}"?'
        elif parts is not None and (nearest := keys.find_nearest(parts[0], list(places.get_places()))):
            advice = f'did you mean "{nearest}:{written.partition(":")[2]}"?'
        raise keys.InvalidValue("address", f'"{keys.shorten(written)}" is not the address of a feed', advice)
    if not parts[1] or re.search(r"\s", written):
        message = f'"{keys.shorten(written)}" is not the address of a feed'
        advice = "an address has a host and no spaces"
        if re.search(r"[,\s]https?://", written):
            advice = "write each address on its own line, after a dash"
        raise keys.InvalidValue("address", message, advice)
    if "@" in parts[2]:
        message = "a password in an address would be shown in logs and messages"
        advice = "remove it, and write auth: {basic: {user: NAME, password: env:NAME}}"
        raise keys.InvalidValue("secret", message, advice)
    return Feed(url=written)


def find_feed_names(root: Node | None) -> frozenset[str]:
    """Return the names, addresses and tags of all feeds as written, and the names of their sites in ``places``.

    Broken feeds are included, so that rules which select them get no error.
    """
    feeds = value_of(root, "feeds")
    names: set[str] = set()
    for feed in feeds.items if isinstance(feeds, SequenceNode) else ():
        if isinstance(feed, ScalarNode):
            names.add(feed.value)
        elif isinstance(feed, MappingNode):
            for key in ("url", "name", "tags"):
                names.update(item.value.strip() for item in scalars_of(feed.get(key)))
    return frozenset(names | {place.name for name in names if (place := places.find_place(name))})


def parse_feeds_file(
    report: ProblemReport,
    *,
    kinds: Callable[[], plugins.Kinds],
    environ: Mapping[str, str],
    previous: tuple[Feed, ...] = (),
) -> tuple[Feed, ...] | None:
    """Read the feeds, or return None if the whole file cannot be used. A broken feed keeps its last good version."""
    document = report.document
    listed = validation.find_list(report, "feeds", form=Feed, example="- https://…")
    if listed is None:
        return None
    good = {feed.url: feed for feed in previous}
    lines_by_address: dict[str, int] = {}
    read_feeds = [_read_feed(item, report, kinds, environ, good, lines_by_address) for item in listed]
    _warn_of_no_names(listed, read_feeds, report)
    for flaw in document.flaws:
        report.add_flaw(flaw)
    feeds = [feed for feed in read_feeds if feed]
    if document.cut:
        # An item that is not valid YAML may be any of the missing feeds, so keep them all.
        feeds += [feed for url, feed in good.items() if feed_place(url) not in lines_by_address]
    return tuple(feeds)


def _read_feed(
    node: Node,
    report: ProblemReport,
    kinds: Callable[[], plugins.Kinds],
    environ: Mapping[str, str],
    good: dict[str, Feed],
    lines_by_address: dict[str, int],
) -> Feed | None:
    block = _as_block(node)
    if isinstance(block, MappingNode) and len(block.pairs) == 1:
        name, value = block.pairs[0]
        is_key = name.value in blocks.types_of(Feed) or name.value in blocks.other_words(Feed)
        if not is_key and isinstance(value, ScalarNode) and value.value.startswith("http"):
            message, advice = "a feed with a name needs both keys", f"write {{url: {value.value}, name: {name.value}}}"
            report.add(name, "unknown-key", message, advice)
            return None
    kind_node = value_of(block, "kind")
    own_keys: frozenset[str] = frozenset()
    options: str | None = "{}"
    feed_node = block
    if isinstance(block, MappingNode) and kind_node is not None:
        own_keys, options = _read_kind(block, kind_node, kinds(), report)
        feed_node = _select(block, lambda key: key not in own_keys)
    secrets.hide_secrets(block, Feed, report, also=own_keys)
    written = validation.validate(Feed, feed_node, report, other_keys=sorted(own_keys))
    address = value_of(block, "url")
    if not isinstance(address, ScalarNode) or not address.value.strip():
        return None
    place = _read_address(address, report, environ)
    if place is None:
        return None
    url = place.url
    line = report.document.place(node.start)[0]
    if url in lines_by_address:
        advice = f"it is already on line {lines_by_address[url]}: remove one"
        report.add(address, "duplicate-feed", "this feed is listed twice", advice)
        return None
    if first_line := lines_by_address.get(feed_place(url)):
        advice = f"line {first_line} has the same feed under another spelling of its address: remove one"
        report.add(address, "same-feed", "this feed seems to be listed twice", advice, severity="warning")
    lines_by_address.setdefault(feed_place(url), line)
    lines_by_address[url] = line
    is_flawed = any(flaw.severity == "error" for flaw in report.document.flaws_inside(node))
    if written is None or options is None or is_flawed:
        return good.get(url)
    secrets.warn_of_access(block, written, report, environ, home=url, what="the feed is not polled")
    # For keys that the feed does not set, use the defaults of its site in ``places``.
    feed = replace(
        written,
        url=url,
        tags=(*written.tags, *place.tags),
        owner=written.owner or (None if written.aggregator else place.owner),
        aggregator=place.aggregator if written.aggregator is None and written.owner is None else written.aggregator,
        kind=written.kind or place.kind,
        options=options if written.kind else place.options,
    )
    if problem := _find_mailbox_problem(feed):
        report.add(address, "mailbox", *problem)
        return good.get(url)
    _warn_of_doubts(feed, address, report)
    _warn_of_one_tag(value_of(block, "tags"), report)
    return feed


def _as_block(node: Node) -> Node:
    """Return a feed as a block of keys, even if it is written as an address only or as one key in braces."""
    match node:
        case ScalarNode():
            pairs: list[tuple[ScalarNode, Node]] = [(ScalarNode("url", node.start, node.end, ""), node)]
            return MappingNode(pairs, node.start, node.end, is_flow=False)
        case MappingNode() if len(node.pairs) == 1:
            return MappingNode(node.pairs, node.start, node.end, is_flow=False)
    return node


def _read_address(node: ScalarNode, report: ProblemReport, environ: Mapping[str, str]) -> Feed | None:
    """Return the feed of an address, with the defaults of its site, or None if the address cannot be used."""
    written = node.value.strip()
    try:
        if written.startswith(("env:", "file:")):
            return _read_referenced_address(Secret.parse(written), node, report, environ)
        return expand_address(written)
    except keys.InvalidValue as wrong:
        if not report.has_flaw_in(node):
            report.add(node, wrong.code, str(wrong), wrong.help)
        return None


def _read_referenced_address(
    secret: Secret, node: Node, report: ProblemReport, environ: Mapping[str, str]
) -> Feed | None:
    """Return the feed of an address from a variable or a file. Messages will show the reference, not the address."""
    if secrets.warn_if_missing(secret, node, report, environ, what="the feed is not polled"):
        return None
    address = secrets.resolve_secret(secret, environ)
    try:
        feed = expand_address(address)
    except keys.InvalidValue as wrong:
        # Write a new message, because the text of the error may quote the address.
        message = f"{secret.reference} does not hold the address of a feed"
        raise keys.InvalidValue(wrong.code, message, wrong.help) from None
    if "://" not in address:
        message = f"{secret.reference} does not hold a whole address"
        raise keys.InvalidValue("address", message, "write https://… into it")
    visible.conceal(address, secret.reference)
    return feed


def _warn_of_no_names(listed: SequenceOf[Node], feeds: SequenceOf[Feed | None], report: ProblemReport) -> None:
    """Warn of feeds without a name, once for the whole file, at the first such feed."""
    unnamed = [
        node
        for node, feed in zip(listed, feeds, strict=True)
        if feed is not None and feed.name is None and not places.place_of(feed.url).name
    ]
    if unnamed:
        which = f"{len(unnamed)} feeds, this one first, have" if len(unnamed) > 1 else "this feed has"
        message = f"{which} no name, so messages show the feed's own title and host"
        advice = "write the outlet's name: {url: https://…, name: BBC News}"
        report.add(unnamed[0], "no-name", message, advice, severity="warning")


def _find_mailbox_problem(feed: Feed) -> tuple[str, str] | None:
    """Return the problem of a mailbox and its remedy, or None."""
    is_mailbox = feed.url.startswith(MAILBOXES)
    if is_mailbox != (feed.kind == "imap"):
        if is_mailbox:
            return "the address of a mailbox without its kind", "add kind: imap"
        return "kind: imap reads a mailbox", "write url: imaps://mail.example.org/INBOX"
    if is_mailbox and (feed.auth is None or feed.auth.basic is None):
        return "a mailbox needs a login", "write auth: {basic: {user: NAME, password: env:NAME}}"
    return None


#: A shorter time between two polls of a feed causes a warning.
_SHORTEST_POLITE = timedelta(minutes=1)
_WITHOUT_FEEDS = frozenset(("facebook.com", "instagram.com", "linkedin.com", "tiktok.com", "twitter.com", "x.com"))


def _warn_of_doubts(feed: Feed, address: ScalarNode, report: ProblemReport) -> None:
    """Warn of allowed but probably unintended settings: a secret, an undeclared aggregator, too many polls."""
    # Skip an address that comes from a variable, because it is not in the file.
    if address.value.strip() == feed.url and visible.has_secret(feed.url):
        visible.conceal(feed.url, visible.masked(feed.url))
        for secret in visible.secrets_in(feed.url):
            report.hide(*nodes.find_span(report.document, address, *secret))
        message = "this address seems to hold a secret, which everybody who can read this file can use"
        advice = "put the whole address into a variable and write url: env:NAME"
        report.add(address, "secret-in-address", message, advice, severity="warning")
    if feed.aggregator is None and feed.owner is None and links.is_known_aggregator(feed.url):
        message = "this feed lists articles of other sites, and counts as one outlet"
        advice = "add aggregator: true, so that each article counts for the site that it links to; or aggregator: false"
        report.add(address, "undeclared-aggregator", message, advice, severity="warning")
    elif feed.aggregator and feed.owner is not None:
        message = "owner: makes all articles of this feed one outlet, so aggregator: true changes nothing"
        report.add(address, "owner-of-aggregator", message, "remove one of the two", severity="warning")
    place = places.place_of(feed.url)
    if feed.every is not None and feed.every < place.every:
        message = f"{place.name} is polled at most every {format_duration(place.every)}"
        report.add(
            address, "etiquette", message, "remove every from this feed, or write a longer time", severity="warning"
        )
    elif feed.every is not None:
        warn_if_impolite(feed.every, address, report)
    host = (urlsplit(feed.url).hostname or "").removeprefix("www.")
    if feed.kind is None and host in _WITHOUT_FEEDS:
        advice = "use the outlet's own feed: wirewatch feeds find ADDRESS"
        report.add(address, "no-feed", f"{host} offers no feeds", advice, severity="warning")


def warn_if_impolite(every: timedelta, node: Node, report: ProblemReport) -> None:
    """Warn of an interval for which servers block a reader."""
    if every < _SHORTEST_POLITE:
        message = f"many servers block a reader that polls every {format_duration(every)}"
        report.add(node, "etiquette", message, "write every: 1 minute, or longer", severity="warning")


def _warn_of_one_tag(tags: Node | None, report: ProblemReport) -> None:
    """Warn of several words without brackets, which are one tag. With quotation marks, one tag is meant."""
    if not isinstance(tags, ScalarNode) or tags.style:
        return
    words = tags.value.replace(",", " ").split()
    if len(words) > 1:
        advice = f"for {len(words)} tags, write tags: [{', '.join(words)}]; for one, put it in quotation marks"
        report.add(tags, "one-tag", f'"{tags.value}" is one tag', advice, severity="warning")


def _read_kind(
    block: MappingNode, kind_node: Node, kinds: plugins.Kinds, report: ProblemReport
) -> tuple[frozenset[str], str | None]:
    """Return the keys that the kind of a feed adds, and the values of these keys as JSON.

    The values are None if they are wrong (the errors are in the report).
    """
    name = kind_node.value.strip() if isinstance(kind_node, ScalarNode) else ""
    kind = kinds.by_name.get(name)
    if kind is None:
        if broken := kinds.broken.get(name):
            report_broken(report, broken, kind_node)
        elif name:
            kind_names = list(kinds.by_name)
            help_text = keys.did_you_mean(
                name, kind_names, otherwise=f"RSS and Atom feeds need no kind; the kinds are {', '.join(kind_names)}"
            )
            message = f'unknown kind of source "{keys.shorten(name)}"'
            report.add(kind_node, "unknown-value", message, help_text)
        return frozenset(), None
    if kind.options is None:
        return frozenset(), "{}"
    own_keys = frozenset(kind.options.model_fields) - frozenset(blocks.types_of(Feed))
    # A misspelt key of the kind is reported together with the kind's keys.
    misspelt = {key.value for key, _ in block.pairs if key.value not in blocks.types_of(Feed)} - own_keys
    own_keys |= {key for key in misspelt if keys.find_nearest(key, own_keys)}
    options_node = _select(block, lambda key: key in own_keys)
    checked = validation.validate(kind.options, options_node, report, whole=block.key("kind"))
    return own_keys, checked.model_dump_json() if checked is not None else None


def _select(block: MappingNode, is_wanted: Callable[[str], bool]) -> MappingNode:
    return MappingNode([pair for pair in block.pairs if is_wanted(pair[0].value)], block.start, block.end, False)


def apply_host_access(feed: Feed, groups: Mapping[str, Access]) -> Feed:
    """Return the feed with unset access keys filled from ``groups`` by host. The most exact name takes precedence."""
    if not groups:
        return feed
    host = (urlsplit(feed.url).hostname or "").lower()
    host_names = [name for name in groups if host == name or (name[0] == "*" and host.endswith(name[1:]))]
    for name in sorted(host_names, key=lambda name: (name[0] == "*", -len(name))):
        feed = feed.over(groups[name])
    return feed
