"""Read feeds.yaml: the keys of a feed, the address in its whole or short form, and what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from collections.abc import Sequence as SequenceOf
from typing import Annotated, ClassVar

import pydantic

from bot import model, plugins
from bot.config import access_keys, nodes, secrets, validation
from bot.config.kinds import report_broken
from bot.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, scalars_of, value_of
from bot.config.problems import ProblemReport
from bot.config.strict import KeyBlock
from bot.feeds import outlets, places
from bot.model import values, visible

MAILBOXES = ("imaps", "imap")
SCHEMES = ("http", "https", *MAILBOXES)


def parse_feed_url(value: object) -> str:
    """Check the address of a feed, of the web or a mailbox, without credentials, or a short form. Raises Wrong."""
    written = values.parse_text(value)
    if written.startswith(("env:", "file:")):
        return str(_parse_reference(written))
    if place := places.find_place(written):
        try:
            places.expand_short_form(written)
        except places.Unfit as unfit:
            message = f'"{values.shorten(written)}" is not a feed of {place.name}'
            raise values.InvalidValue("address", message, str(unfit)) from None
        return written
    parts = values.split_address(written)
    if parts is None or parts[0] not in SCHEMES:
        advice = "write the whole address: https://…"
        if re.match(r"feed:(//|https?:)", written):
            advice = "write https:// instead of feed:"
        elif parts is not None and parts[0] == "" and re.match(r"[\w-]+(\.[\w-]+)+(/|\Z)", written):
            advice = f"write https://{written}"
        elif parts is not None and (nearest := values.find_nearest(parts[0], list(places.get_places()))):
            advice = f'did you mean "{nearest}:"?'
        raise values.InvalidValue("address", f'"{values.shorten(written)}" is not the address of a feed', advice)
    if not parts[1] or re.search(r"\s", written):
        raise values.InvalidValue(
            "address",
            f'"{values.shorten(written)}" is not the address of a feed',
            "an address has a host and no spaces",
        )
    if "@" in parts[2]:
        raise values.InvalidValue("secret", "a password in an address would be shown in logs and messages", "remove it")
    return written


def _parse_reference(written: str) -> str:
    try:
        return model.Secret.parse(written).reference
    except ValueError as error:
        raise values.InvalidValue("secret", str(error), "write env:NAME or file:/path") from None


FeedUrl = Annotated[
    str,
    pydantic.PlainValidator(parse_feed_url),
    pydantic.WithJsonSchema(
        {"type": "string", "pattern": f"^((https?|imaps?)://|({'|'.join(places.get_places())}|env|file):.)"}
    ),
]


class FeedKeys(access_keys.AccessKeys):
    """One feed: its address, or a block with more about it."""

    OTHER_WORDS: ClassVar = {
        **dict.fromkeys(("address", "link", "feed", "rss", "href", "source", "uri"), "url"),
        **dict.fromkeys(("title", "outlet", "label"), "name"),
        **dict.fromkeys(("tag", "labels", "category", "categories", "group"), "tags"),
        **dict.fromkeys(("interval", "poll", "frequency", "refresh"), "every"),
        **dict.fromkeys(("publisher", "company"), "owner"),
        **dict.fromkeys(("type", "format"), "kind"),
    }

    url: FeedUrl = pydantic.Field(
        ...,
        description=(
            "The feed's address (RSS, Atom, JSON Feed, news sitemap), or the short form of a known place; where it "
            "holds a secret, env:NAME or file:/path."
        ),
        examples=["https://example.org/feed.xml"],
    )
    name: values.Text | None = pydantic.Field(
        None, description="The outlet's name in messages; without it, the feed's own title, with its host."
    )
    every: values.Duration | None = pydantic.Field(
        None, description="The shortest time between two polls; without it, bot.yaml's fetch.every."
    )
    at_least: values.AtLeast | None = pydantic.Field(
        None, description="The longest time between two polls; without it, bot.yaml's fetch.at_least."
    )
    backfill: values.Duration | None = pydantic.Field(
        None, description="How far back the first poll announces; without it, bot.yaml's fetch.backfill."
    )
    full_text: model.FullText = pydantic.Field(
        model.FullText.NEVER,
        description="Fetch the article's page: never, when_needed (if the feed has only a teaser), always.",
    )
    tags: values.Texts = pydantic.Field((), description="Tags by which rules select feeds.")
    owner: values.Text | None = pydantic.Field(
        None,
        description="The owner of the outlet: outlets of one owner count once. Without it, the domain of the address.",
    )
    aggregator: bool | None = pydantic.Field(
        None,
        description="true: its items are articles of other sites; each counts for the site that its link leads to.",
    )
    expect: values.Rhythm | None = pydantic.Field(
        None, description="every 2 days: the operator is notified when the feed has been silent for longer."
    )
    kind: values.Text | None = pydantic.Field(
        None, description="The document's format; without it, the format is detected. A plug-in may add more."
    )


def _expand_short_form(value: object) -> object:
    return {"url": value} if isinstance(value, str) or value is None else value


class FeedFile(KeyBlock):
    """The list of feeds to poll."""

    feeds: tuple[Annotated[FeedKeys, pydantic.BeforeValidator(_expand_short_form), values.OrText()], ...] = (
        pydantic.Field(..., description="Addresses, or blocks with url and more.")
    )


def find_feed_names(root: Node | None) -> frozenset[str]:
    """Return names, addresses and tags as written, also of broken feeds (rules are not blamed), and known places."""
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
    previous: tuple[model.Feed, ...] = (),
) -> tuple[model.Feed, ...] | None:
    """Read the feeds; return None if the whole file cannot be used. A broken feed keeps its last good version."""
    document = report.document
    root = document.root
    items = value_of(root, "feeds")
    if root is None or not isinstance(root, MappingNode) or items is None:
        _report_no_list(report, root)
        return None
    for key, _ in root.pairs:
        if key.value != "feeds":
            help_text = values.did_you_mean(key.value, ["feeds"], otherwise="feeds: is the only key here")
            report.add_at(key, "unknown-key", f'unknown key "{values.shorten(key.value)}"', help_text)
    is_empty = isinstance(items, ScalarNode) and not items.value and not items.style
    if not isinstance(items, SequenceNode) and not is_empty:
        report.add(
            "wrong-kind",
            "a list of feeds is expected here",
            "write each on its own line, after a dash",
            start=items.start,
        )
        return None
    good = {feed.url: feed for feed in previous}
    lines_by_address: dict[str, int] = {}
    listed = items.items if isinstance(items, SequenceNode) else []
    read_feeds = [_read_feed(item, report, kinds, environ, good, lines_by_address) for item in listed]
    _warn_of_no_names(listed, read_feeds, report)
    for flaw in document.flaws:
        report.add_flaw(flaw)
    feeds = [feed for feed in read_feeds if feed]
    if document.cut:
        # An item that is not YAML may be any feed that is missing now.
        feeds += [feed for url, feed in good.items() if model.feed_place(url) not in lines_by_address]
    return tuple(feeds)


def _report_no_list(report: ProblemReport, root: Node | None) -> None:
    help_text = "write feeds: and, below, a dash and an address a line"
    if isinstance(root, SequenceNode):
        report.add("missing-key", "the list has no key", "write feeds: on the line above", start=root.start)
        return
    if isinstance(root, MappingNode):
        for key, _ in root.pairs:
            if values.find_nearest(key.value, ["feeds"]):
                report.add_at(key, "unknown-key", f'unknown key "{key.value}"', 'did you mean "feeds"?')
                return
    report.add("missing-key", 'the key "feeds" is missing', help_text, start=root.start if root else 0)


def _read_feed(
    node: Node,
    report: ProblemReport,
    kinds: Callable[[], plugins.Kinds],
    environ: Mapping[str, str],
    good: dict[str, model.Feed],
    lines_by_address: dict[str, int],
) -> model.Feed | None:
    access_keys.hide_access_secrets(node, report)
    kind_node = value_of(node, "kind")
    kind_reader = (
        _NamedKind(node, kind_node, kinds(), report)
        if isinstance(node, MappingNode) and kind_node is not None
        else None
    )
    written = _validate_feed(kind_reader.plain if kind_reader else node, report)
    options = kind_reader.options() if kind_reader else "{}"
    flawed = any(flaw.severity == "error" for flaw in report.document.flaws_inside(node))
    address = node if isinstance(node, ScalarNode) else value_of(node, "url")
    has_token = isinstance(node, MappingNode) and node.get("auth") is not None
    written_url = address.value.strip() if isinstance(address, ScalarNode) else ""
    if written_url.startswith(("env:", "file:")) and address is not None:
        written_url = _resolve_address(written_url, address, report, environ) or ""
        if not written_url:
            return None
    url = _expand_address(written_url, has_token=has_token)
    if url and url in lines_by_address and address is not None:
        report.add_at(
            address,
            "duplicate-feed",
            "this feed is listed twice",
            f"it is already on line {lines_by_address[url]}: remove one",
        )
        return None
    if url and address is not None and (line := lines_by_address.get(model.feed_place(url))):
        report.add_at(
            address,
            "same-feed",
            "this feed seems to be listed twice",
            f"line {line} has it under another spelling of its address: remove one",
            severity="warning",
        )
    if url:
        lines_by_address.setdefault(model.feed_place(url), report.document.place(node.start)[0])
        lines_by_address[url] = report.document.place(node.start)[0]
    if written is None or options is None or flawed:
        return good.get(url)
    access = written.access(home=url)
    access_keys.warn_of_access(node, access, report, environ, what="the feed is not polled")
    # A known place gives the values that the feed does not set.
    place = places.expand_short_form(written_url, has_token=has_token)
    feed = written.as_value(
        model.Feed,
        url=place.url,
        tags=(*written.tags, *place.tags),
        owner=written.owner or (None if written.aggregator else place.owner),
        aggregator=place.aggregator if written.aggregator is None and written.owner is None else written.aggregator,
        kind=written.kind or place.kind,
        options=options if written.kind else place.options,
        access=access,
    )
    if address is not None:
        if problem := _find_mailbox_problem(feed):
            report.add_at(address, "mailbox", *problem)
            return good.get(url)
        _warn_of_secret(url, address, report)
        _warn_of_aggregator(feed, address, report)
        _warn_of_etiquette(feed, address, report)
    return feed


def _resolve_address(reference: str, node: Node, report: ProblemReport, environ: Mapping[str, str]) -> str | None:
    """Return the address that a variable or a file holds; messages show its reference instead."""
    try:
        secret = model.Secret.parse(reference)
        address = parse_feed_url(secrets.resolve_secret(secret, environ))
    except model.ConfigError as error:
        message = str(error).partition(":")[0]
        report.add_at(node, "unset-secret", message, "the feed is not polled until then", severity="warning")
    except values.InvalidValue as wrong:
        # The text of the error may quote the address.
        report.add_at(node, wrong.code, f"{reference} does not hold the address of a feed", wrong.help)
    except ValueError:
        return None  # the validation of the feed reports it
    else:
        if "://" in address:
            visible.conceal(address, reference)
            return address
        report.add_at(node, "address", f"{reference} does not hold a whole address", "write https://… into it")
    return None


def _warn_of_secret(url: str, node: Node, report: ProblemReport) -> None:
    # The address in a variable is not in the file.
    if not isinstance(node, ScalarNode) or node.value.strip() != url or not visible.has_secret(url):
        return
    visible.conceal(url, visible.masked(url))
    for secret in visible.secrets_in(url):
        report.hide(*nodes.find_span(report.document, node, *secret))
    report.add_at(
        node,
        "secret-in-address",
        "this address holds what looks like a secret, which everybody who can read this file can use",
        "put the whole address into a variable and write url: env:NAME",
        severity="warning",
    )


def _warn_of_no_names(listed: SequenceOf[Node], feeds: SequenceOf[model.Feed | None], report: ProblemReport) -> None:
    """Warn once for the file, at the first feed without a name: many may have none."""
    unnamed = [
        node
        for node, feed in zip(listed, feeds, strict=True)
        if feed is not None and feed.name is None and not places.place_of(feed.url).name
    ]
    if unnamed:
        which = f"{len(unnamed)} feeds, this one first, have" if len(unnamed) > 1 else "this feed has"
        report.add(
            "no-name",
            f"{which} no name: messages show the title in the feed, and its host",
            "write the outlet's name: {url: https://…, name: BBC News}",
            start=unnamed[0].start,
            end=unnamed[0].end,
            severity="warning",
        )


def _expand_address(written: str, *, has_token: bool) -> str:
    """Return the whole address of what is written; empty if there is none."""
    try:
        url = places.expand_short_form(written, has_token=has_token).url
    except places.Unfit:
        return ""
    return url if "://" in url else ""


def _find_mailbox_problem(feed: model.Feed) -> tuple[str, str] | None:
    """Return what is wrong with a mailbox and what to write, or None."""
    is_mailbox = feed.url.startswith(MAILBOXES)
    if is_mailbox != (feed.kind == "imap"):
        if is_mailbox:
            return "the address of a mailbox without its kind", "add kind: imap"
        return "kind: imap reads a mailbox", "write url: imaps://mail.example.org/INBOX"
    if is_mailbox and (feed.access is None or feed.access.login is None or feed.access.login.user is None):
        return "a mailbox needs a login", "write auth: {basic: {user: NAME, password: env:NAME}}"
    return None


def _warn_of_etiquette(feed: model.Feed, address: Node, report: ProblemReport) -> None:
    shortest = places.etiquette_of(feed).every
    if feed.every is not None and feed.every < shortest:
        report.add_at(
            address,
            "etiquette",
            f"{places.place_of(feed.url).name} is polled at most every {model.format_duration(shortest)}",
            "remove every: here, or write a longer time",
            severity="warning",
        )


def _warn_of_aggregator(feed: model.Feed, address: Node, report: ProblemReport) -> None:
    if feed.aggregator is None and feed.owner is None and outlets.is_known_aggregator(feed.url):
        report.add_at(
            address,
            "undeclared-aggregator",
            "this feed lists articles of other sites, and counts as one outlet",
            "add aggregator: true, so that each article counts for the site that it links to; or aggregator: false",
            severity="warning",
        )
    elif feed.aggregator and feed.owner is not None:
        report.add_at(
            address,
            "owner-of-aggregator",
            "owner: makes all articles of this feed one outlet, so aggregator: true changes nothing",
            "remove one of the two",
            severity="warning",
        )


class _NamedKind:
    """A feed that names its kind: which keys every feed has, and which belong to the kind."""

    def __init__(self, node: MappingNode, written: Node, kinds: plugins.Kinds, report: ProblemReport) -> None:
        self._node = node
        self._written = written
        self._report = report
        self._kinds = kinds
        self._name = written.value.strip() if isinstance(written, ScalarNode) else ""
        self._kind = kinds.by_name.get(self._name)
        option_names = self._kind.options.model_fields if self._kind and self._kind.options else {}
        self._is_own = frozenset(option_names) - frozenset(FeedKeys.model_fields)

    @property
    def plain(self) -> MappingNode:
        """Return the feed without the keys of its kind."""
        return self._part([pair for pair in self._node.pairs if pair[0].value not in self._is_own])

    def options(self) -> str | None:
        """Return the options of the kind as JSON, or None if they are wrong (the errors are in the report)."""
        if self._kind is None:
            self._refuse()
            return None
        if self._kind.options is None:
            return "{}"
        options_node = self._part([pair for pair in self._node.pairs if pair[0].value in self._is_own])
        address = self._node.key("kind")
        checked = validation.validate(self._kind.options, options_node, self._report, whole=address)
        return checked.model_dump_json() if checked is not None else None

    def _part(self, pairs: list[tuple[ScalarNode, Node]]) -> MappingNode:
        # Not a flow: a single key would be read as an {EXACT} term.
        return MappingNode(pairs, self._node.start, self._node.end, is_flow=False)

    def _refuse(self) -> None:
        broken = self._kinds.broken.get(self._name)
        if broken is not None:
            report_broken(self._report, broken, self._written)
        elif self._name:
            kind_names = list(self._kinds.by_name)
            help_text = values.did_you_mean(self._name, kind_names, otherwise=f"the kinds are {', '.join(kind_names)}")
            message = f'unknown kind of source "{values.shorten(self._name)}"'
            self._report.add_at(self._written, "unknown-value", message, help_text)


def _validate_feed(node: Node, report: ProblemReport) -> FeedKeys | None:
    if isinstance(node, MappingNode) and node.is_flow and len(node.pairs) == 1:
        node = MappingNode(node.pairs, node.start, node.end, is_flow=False)
    if isinstance(node, ScalarNode):
        try:
            return FeedKeys.model_validate({"url": parse_feed_url(validation.to_plain(node))})
        except values.InvalidValue as wrong:
            if node.style != "*":
                report.add_at(node, wrong.code, str(wrong), wrong.help)
            return None
    return validation.validate(FeedKeys, node, report)
