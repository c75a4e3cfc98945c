"""The keys of bot.yaml's ``model``: a language model, its uses, and its limits."""

from __future__ import annotations

from collections.abc import Collection
from datetime import timedelta
from pathlib import Path
from typing import Annotated

import pydantic

from bot import model
from bot.config import values
from bot.config.strict_shape import StrictShape
from bot.config.yaml.nodes import Node, Scalar, scalars, value_of
from bot.config.yaml.problems import ProblemReport

_DEFAULTS = model.LanguageModelPolicy(url="", name="", uses=frozenset())
_LONGEST_WAIT = timedelta(minutes=2)
#: Uses that need a key elsewhere: the owner of the key, and the key.
_WANTED_BY = {model.Use.RELEVANCE: ("enabled rule", "about"), model.Use.TRANSLATE: ("channel", "translate")}


def _url(value: object) -> str:
    written = values.text(value)
    if written.startswith("file:"):
        if not written.removeprefix("file:").strip():
            raise values.Wrong("address", "after file: comes the path of a file", "write file:answers.jsonl")
        return written
    parts = values.split(written)
    if parts is None or parts[0] not in ("http", "https") or not parts[1] or any(map(str.isspace, written)):
        message = f'"{values.shown(written)}" is not the address of a model\'s API'
        raise values.Wrong("address", message, "write the whole address: http://127.0.0.1:11434/v1")
    if "@" in parts[2]:
        raise values.Wrong("secret", "a password in an address would be shown in logs and messages", "remove it")
    checked = written.rstrip("/")
    for end in ("/chat/completions", "/completions", "/responses"):
        if checked.endswith(end):
            raise values.Wrong(
                "address", f"the address of a model's API ends before {end}", f"write {checked.removesuffix(end)}"
            )
    return checked


def _wait(value: timedelta) -> timedelta:
    if value > _LONGEST_WAIT:
        limit = model.show_duration(_LONGEST_WAIT)
        raise values.Wrong("duration", f"an article waits at most {limit} for a model", f"write {limit} or less")
    return value


def warn_of_no_use(
    key: Scalar, use: model.Use, uses: Collection[str], report: ProblemReport, rule: str | None = None
) -> None:
    """Warn of a key that only a language model can follow; ``uses`` are the uses of the model (empty: no model)."""
    if use not in uses:
        report.add_at(
            key,
            "no-use",
            f"{key.value} does nothing: bot.yaml has no model with the use {use}",
            f"give it a model with {use} among its uses, or remove {key.value}",
            rule=rule,
            severity="warning",
        )


def warn_of_idle_uses(root: Node | None, wanted: Collection[model.Use], report: ProblemReport) -> None:
    """Warn of uses in bot.yaml that no key needs; ``wanted`` are those that a key needs."""
    for item in scalars(value_of(value_of(root, "model"), "uses")):
        for use, (owner, key) in _WANTED_BY.items():
            if item.value.strip() == use and use not in wanted:
                report.add_at(
                    item,
                    "no-use",
                    f"the use {use} does nothing: no {owner} has {key}",
                    f"add {key} to one, or remove {use}",
                    severity="warning",
                )


class ModelShape(StrictShape):
    """A language model for what the bot cannot decide alone; the bot also runs without one."""

    url: Annotated[
        str, pydantic.PlainValidator(_url), pydantic.WithJsonSchema({"type": "string", "pattern": "^(https?://|file:)"})
    ] = pydantic.Field(
        ...,
        description=(
            "The base address of an API that is compatible with OpenAI's: https://api.openai.com/v1, or a local one "
            "such as http://127.0.0.1:11434/v1. file:PATH: a file of prompts and their answers instead."
        ),
        examples=["http://127.0.0.1:11434/v1"],
    )
    name: values.Text = pydantic.Field(..., description="The model, as the API names it.", examples=["qwen2.5:14b"])
    key: model.Secret | None = pydantic.Field(None, description="The API's key: env:NAME or file:/path.")
    uses: Annotated[
        tuple[model.Use, ...], pydantic.BeforeValidator(values.one_or_list), pydantic.Field(min_length=1)
    ] = pydantic.Field(..., description="The tasks of the model.", examples=["[same_event, facts]"])
    calls_per_day: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        _DEFAULTS.calls_per_day, description="Maximum number of calls on one day (UTC)."
    )
    tokens_per_day: Annotated[int, pydantic.Field(ge=1)] = pydantic.Field(
        _DEFAULTS.tokens_per_day, description="Maximum number of tokens on one day (UTC), of prompts and answers."
    )
    timeout: values.Duration = pydantic.Field(_DEFAULTS.timeout, description="Timeout of one call.")
    wait: Annotated[values.Duration, pydantic.AfterValidator(_wait)] = pydantic.Field(
        _DEFAULTS.wait,
        description=("How long a decision waits for the model, at most 2 minutes; then it is made without the model."),
    )
    at_once: Annotated[int, pydantic.Field(ge=1, le=64)] = pydantic.Field(
        _DEFAULTS.at_once, description="Calls under way at the same time."
    )

    def policy(self, folder: Path) -> model.LanguageModelPolicy:
        """Return the policy; the path of an answer file starts in ``folder``."""
        is_file = self.url.startswith("file:")
        url = f"file:{folder / self.url.removeprefix('file:').strip()}" if is_file else self.url
        return self.as_value(model.LanguageModelPolicy, url=url, uses=frozenset(self.uses))
