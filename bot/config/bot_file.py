"""Read bot.yaml, the operator's file: parse it, and check conditions that involve several keys."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from pathlib import Path
from zoneinfo import ZoneInfo

from bot import keys, plugins
from bot.config import blocks, feeds_file, nodes, secrets, validation, variables
from bot.config.nodes import MappingNode, Node, ScalarNode, SequenceNode, pairs_of, scalars_of, value_of
from bot.config.problems import ProblemReport, report_broken
from bot.config.settings import BotSettings, ChannelSettings, KnownKinds, channel_options
from bot.model.access import Secret
from bot.model.language_models import Use

#: Minimum length of a token of the status page, in characters. A shorter token causes a warning.
_SHORTEST_TOKEN = 16


def find_channel_names(root: Node | None) -> frozenset[str] | None:
    """Return the names of all channels as written, or None if unknown.

    Broken channels are included, so that rules which notify them get no error.
    """
    channels = value_of(root, "channels")
    return frozenset(key.value for key, _ in channels.pairs) if isinstance(channels, MappingNode) else None


def find_people(root: Node | None) -> frozenset[str] | None:
    """Return the names of people whom a channel can mention, as written, or None if unknown."""
    channels = value_of(root, "channels")
    if not isinstance(channels, MappingNode):
        return None
    return frozenset(key.value for _, channel in channels.pairs for key, _ in pairs_of(value_of(channel, "people")))


def find_destinations(root: Node | None) -> dict[str, str]:
    """Return the name of each channel by its ``to``, as written."""
    names: dict[str, str] = {}
    for key, channel in pairs_of(value_of(root, "channels")):
        to = value_of(channel, "to")
        if isinstance(to, ScalarNode):
            names.setdefault(to.value.strip(), key.value)
            names.setdefault(to.value.strip().lstrip("#@"), key.value)
    return names


def find_wanted_uses(root: Node | None) -> set[Use]:
    """Return the uses of a language model that channels need."""
    channels = [channel for _, channel in pairs_of(value_of(root, "channels"))]
    return {Use.TRANSLATE} if any(value_of(channel, "translate") for channel in channels) else set()


def parse_bot_file(report: ProblemReport, *, kinds: KnownKinds, environ: Mapping[str, str]) -> BotSettings | None:
    """Read bot.yaml; return None if it cannot be used (the errors are in the report)."""
    variables.fill_in(report, environ)
    root = report.document.root
    for flaw in report.document.flaws:
        report.add_flaw(flaw)
    if root is None:
        advice = "begin with channels: {alerts: {kind: console}}"
        report.add((0, 1), "missing-key", "the file has only comments", advice)
        return None
    channels_node = value_of(root, "channels")
    for name in ("fetch", "model", "web"):
        if block := value_of(root, name):
            secrets.hide_value(block, blocks.types_of(BotSettings)[name], report)
    _hide_secrets_of_channels(channels_node, report, kinds.channels)
    settings = validation.validate(BotSettings, root, report, zone=_zone_of(root))
    channels = _read_channels(channels_node, report, kinds, environ)
    check_routes(root, find_channel_names(root) or (), report)
    _check_mentions(root, report)
    if settings is None or channels is None:
        return None
    if not channels and isinstance(channels_node, MappingNode) and not channels_node.pairs:
        report.add(channels_node, "missing-key", "no channel", "add alerts: {kind: console}")
        return None
    _check_named_channels(settings, root, report)
    _warn_of_unset(settings, root, report, environ)
    feeds_file.warn_if_impolite(settings.fetch.every, nodes.find_node(root, ("fetch", "every"))[0], report)
    for _, channel in pairs_of(channels_node):
        if isinstance(channel, MappingNode) and (key := channel.key("translate")):
            warn_of_no_use(key, Use.TRANSLATE, settings.model.uses if settings.model else (), report)
    for key, group in pairs_of(value_of(value_of(root, "fetch"), "hosts")):
        if access := settings.fetch.hosts.get(key.value.lower()):
            secrets.warn_of_access(group, access, report, environ, what="its feeds are not polled")
    if report.error_count:
        return None
    return _complete(settings, channels, Path(report.path).parent)


def _read_channels(
    node: Node | None, report: ProblemReport, kinds: KnownKinds, environ: Mapping[str, str]
) -> dict[str, ChannelSettings] | None:
    if not isinstance(node, MappingNode):
        return None
    channels = {}
    for key, value in node.pairs:
        if not key.value.strip():
            report.add(key, "no-value", "a channel without a name", "name it: alerts")
        elif channel := _read_channel(key, value, report, kinds, environ):
            channels[key.value] = channel
    return channels


def _read_channel(
    key: ScalarNode, node: Node, report: ProblemReport, known_kinds: KnownKinds, environ: Mapping[str, str]
) -> ChannelSettings | None:
    kinds = known_kinds.channels
    if not isinstance(node, MappingNode):
        kind = node.value if isinstance(node, ScalarNode) and node.value in kinds.by_name else "console"
        message = f'channel "{key.value}" needs a block of keys that begins with kind'
        report.add(key, "wrong-kind", message, f"write {key.value}: {{kind: {kind}}}")
        return None
    kind_node = node.get("kind")
    kind_names = ", ".join(kinds.by_name)
    if kind_node is None:
        report.add(key, "missing-key", f'channel "{key.value}" has no kind', f"write kind: with one of {kind_names}")
        return None
    kind = kind_node.value.strip() if isinstance(kind_node, ScalarNode) else ""
    if kind in kinds.broken and kind not in kinds.by_name:
        report_broken(report, kinds.broken[kind], kind_node)
        return None
    channel_kind = kinds.by_name.get(kind)
    if channel_kind is None:
        help_text = keys.did_you_mean(kind, list(kinds.by_name), otherwise=f"the kinds are {kind_names}")
        message = f'unknown kind of channel "{keys.shorten(kind)}"' if kind else "kind has no value"
        report.add(kind_node, "unknown-value", message, help_text)
        return None
    option_pairs = [pair for pair in node.pairs if pair[0].value != "kind"]
    options_node = MappingNode(option_pairs, node.start, node.end, is_flow=False)
    checked = validation.validate(channel_options(channel_kind), options_node, report, whole=key)
    if checked is None:
        return None
    for name, value in checked:
        place = nodes.find_node(node, (name,))[0]
        secrets.warn_if_missing(value, place, report, environ, what=f'channel "{key.value}" is parked')
    line, _ = report.document.place(key.start)
    return ChannelSettings(
        name=key.value,
        kind=kind,
        options=checked,
        features=known_kinds.features_of(kind, checked),
        place=f"{report.path}:{line}",
    )


#: Keys of bot.yaml's top level that never hold a secret, not even in the wrong block.
_PLAIN_KEYS = [
    key
    for key, form in blocks.types_of(BotSettings).items()
    if not blocks.holds_secret(form) and blocks.inner_block(form) is None
]


def _hide_secrets_of_channels(channels: Node | None, report: ProblemReport, kinds: plugins.Kinds) -> None:
    for _, channel in pairs_of(channels):
        if isinstance(channel, MappingNode):
            kind = channel.get("kind")
            channel_kind = kinds.by_name.get(kind.value) if isinstance(kind, ScalarNode) else None
            secrets.hide_secrets(channel, channel_options(channel_kind), report, also=("kind", "to", *_PLAIN_KEYS))
        elif not isinstance(channel, ScalarNode) or channel.value not in kinds.by_name:
            report.hide(channel.start, channel.end)


def _check_mentions(root: Node, report: ProblemReport) -> None:
    """Report names in ``mention`` that no channel has among its people."""
    people_names = find_people(root) or frozenset()
    for _, named in pairs_of(value_of(root, "mention")):
        for item in scalars_of(named):
            name = item.value.strip()
            if name and name not in people_names:
                otherwise = "add people: {NAME: ID} to a channel"
                help_text = keys.did_you_mean(name, sorted(people_names), otherwise=otherwise)
                message = f'no channel has the person "{keys.shorten(name)}"'
                report.add(item, "unknown-person", message, help_text)


def _check_named_channels(settings: BotSettings, root: Node, report: ProblemReport) -> None:
    names = find_channel_names(root) or frozenset()
    node = nodes.find_node(root, ("operator",))[0]
    if settings.operator is not None and node is not root:
        check_channel(settings.operator, node, names, report)


def _warn_of_unset(settings: BotSettings, root: Node, report: ProblemReport, environ: Mapping[str, str]) -> None:
    token = settings.web.token if settings.web else None
    closed = "the status page stays closed"
    tokens = settings.web.tokens if settings.web else {}
    for secret, path, what in (
        (settings.database, ("database",), "nothing can start"),
        (token, ("web", "token"), closed),
        *((program.token, ("web", "tokens", name, "token"), closed) for name, program in tokens.items()),
        (settings.model.key if settings.model else None, ("model", "key"), "the model is not used"),
    ):
        place = nodes.find_node(root, path)[0]
        is_missing = secrets.warn_if_missing(secret, place, report, environ, what=what)
        if isinstance(secret, Secret) and path[0] == "web" and not is_missing:
            if len(secrets.resolve_secret(secret, environ)) >= _SHORTEST_TOKEN:
                continue
            message = f"this token has fewer than {_SHORTEST_TOKEN} characters and can be guessed"
            advice = "choose a longer token, such as the output of `openssl rand -hex 16`, and give it to every reader"
            report.add(place, "short-token", message, advice, severity="warning")


def _zone_of(root: Node) -> ZoneInfo:
    """Return the time zone for values without one. It is UTC if the key is missing or wrong."""
    written = value_of(root, "timezone")
    try:
        return keys.parse_zone(written.value if isinstance(written, ScalarNode) else "UTC")
    except keys.InvalidValue:
        return ZoneInfo("UTC")


def _complete(settings: BotSettings, channels: Mapping[str, ChannelSettings], folder: Path) -> BotSettings:
    """Add the channels and the folder, and let the path of a file of answers start from the folder."""
    policy = settings.model
    if policy is not None and policy.url.startswith("file:"):
        policy = replace(policy, url=f"file:{folder / policy.url.removeprefix('file:').strip()}")
    return replace(settings, channels=channels, folder=folder, model=policy)


#: Words that pydantic reads as true.
_TRUE_WORDS = ("true", "yes", "on", "y", "t", "1")


def check_routes(root: Node, channels: Collection[str], report: ProblemReport) -> None:
    """Report unknown channels, stories that no route takes, and routes that are never reached."""
    top = _route_items(root)
    _check_level(top, channels, report, is_top=True)
    if top and (key := top[-1].key("match")):
        message = "a story that no route takes would be lost"
        report.add(key, "no-last-route", message, "add a last route without match: - to: alerts")


def check_channel(name: str, node: Node, channels: Collection[str], report: ProblemReport) -> None:
    """Report the channel name in ``node`` if no such channel exists."""
    if name not in channels:
        otherwise = "the channels are " + ", ".join(sorted(channels))
        help_text = keys.did_you_mean(name, sorted(channels), otherwise=otherwise)
        message = f'no channel "{keys.shorten(name)}"'
        report.add(node, "unknown-channel", message, help_text)


def warn_of_unknown_rules(root: Node | None, names: Collection[str], report: ProblemReport) -> None:
    """Warn of rule names in routes that match no rule."""
    folded = [name.casefold() for name in names]
    for route in _walk_routes(_route_items(root)):
        match = route.get("match")
        for item in scalars_of(value_of(match, "rule")):
            if not any(fnmatchcase(name, item.value.strip().casefold()) for name in folded):
                help_text = keys.did_you_mean(item.value, list(names), otherwise="`wirewatch status` lists the rules")
                message = f'no rule is named "{keys.shorten(item.value)}"'
                report.add(item, "unknown-rule", message, help_text, severity="warning")


def _check_level(
    routes: Sequence[MappingNode], channels: Collection[str], report: ProblemReport, *, is_top: bool
) -> None:
    is_closed = False
    for route in routes:
        if is_closed:
            message = "this route is never reached: the previous route takes everything"
            advice = "move it up, or give the previous route continue: true"
            report.add(route.head, "route-not-reached", message, advice, severity="warning")
            break
        if route.get("to") is None and is_top:
            advice = f"write to: {next(iter(sorted(channels)), 'alerts')}"
            report.add(route.head, "missing-key", 'the key "to" is missing', advice)
        for item in scalars_of(route.get("to")):
            if name := item.value.strip():
                check_channel(name, item, channels, report)
        continue_node = route.get("continue")
        continues = isinstance(continue_node, ScalarNode) and continue_node.value.strip().lower() in _TRUE_WORDS
        is_closed = route.get("match") is None and not continues
        _check_level(_route_items(route), channels, report, is_top=False)


def _route_items(node: Node | None) -> list[MappingNode]:
    routes = value_of(node, "routes")
    return [item for item in routes.items if isinstance(item, MappingNode)] if isinstance(routes, SequenceNode) else []


def _walk_routes(routes: Sequence[MappingNode]) -> Iterator[MappingNode]:
    for route in routes:
        yield route
        yield from _walk_routes(_route_items(route))


#: Use of a language model -> what must have a configuration key so that the use has an effect, and that key.
_WANTED_BY = {Use.RELEVANCE: ("enabled rule", "about"), Use.TRANSLATE: ("channel", "translate")}


def warn_of_no_use(key: ScalarNode, use: Use, uses: Collection[str], report: ProblemReport) -> None:
    """Warn of a key that requires a language model's ``use``, if the ``uses`` of the model do not include it."""
    if use not in uses:
        message = f"{key.value} does nothing: bot.yaml has no model with the use {use}"
        advice = f"add a model with {use} among its uses to bot.yaml, or remove {key.value}"
        report.add(key, "no-use", message, advice, severity="warning")


def warn_of_idle_uses(root: Node | None, needed: Collection[Use], report: ProblemReport) -> None:
    """Warn of uses in bot.yaml that do nothing: they require a key in a rule or channel, and are not ``needed``."""
    for item in scalars_of(value_of(value_of(root, "model"), "uses")):
        for use, (owner, key) in _WANTED_BY.items():
            if item.value.strip() == use and use not in needed:
                message = f"the use {use} does nothing: no {owner} has {key}"
                report.add(
                    item, "no-use", message, f"add {key} to at least one {owner}, or remove {use}", severity="warning"
                )
