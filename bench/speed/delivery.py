"""Measure messages per second and CPU while a full outbox is sent at the channels' limits, beside the obvious script.

    python -m bench.speed.delivery                     1,000 pending messages over 20 channels, one a second each
    python -m bench.speed.delivery --messages 200 --pace 0.2

A strict local Slack in a separate process refuses requests above the limit. The obvious script has a thread per channel
that calls ``WebClient.chat_postMessage`` and sleeps. It stores nothing, so a kill loses or repeats the messages in
progress, and it edits nothing. Both render and post the same messages. CPU is the share of one core that the sending
process uses.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import resource
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import slack_sdk
import structlog

from bot import channels, storage
from bot.app.environment import SystemClock
from bot.channels.kit import rendering
from bot.channels.slack import blocks as slack_blocks
from bot.model.messages import Outgoing, SendState
from bot.model.stories import SendId
from bot.pipeline.reports import Observer
from bot.pipeline.send import Sender
from bot.testing import messages
from tests.testbed.fakes import MemoryKeyValues
from tests.testbed.made_settings import make_settings
from tests.testbed.servers.slack import TOKEN

ROOT = Path(__file__).parents[2]
Options = argparse.Namespace


def ours(options: Options) -> None:
    asyncio.run(_ours(options))


async def _ours(options: Options) -> None:
    clock = SystemClock()
    with tempfile.TemporaryDirectory() as folder:
        store = storage.open_store(f"sqlite:///{folder}/wirewatch.db", clock=clock)
        now = clock.now()
        rows = [
            Outgoing(
                id=SendId(f"send-{number}"),
                channel=f"c{number % options.channels}",
                thread=SendId(f"send-{number}"),
                message=messages.POST,
                created_at=now,
                due_at=now,
            )
            for number in range(options.messages)
        ]
        await store.write(lambda tx: tx.outbox.add(rows))
        read_options = channels.options()["slack"].model_validate
        written = {"token": "env:TOKEN", "api_url": options.api, "pace": f"{options.pace} seconds"}
        context = channels.ChannelContext(resolve=lambda secret: TOKEN, clock=clock, key_values=MemoryKeyValues())
        built = {
            name: channels.build("slack", name, read_options({"to": f"#{name}", **written}), context)
            for name in (f"c{number}" for number in range(options.channels))
        }
        left = options.messages
        stop = asyncio.Event()

        class Count(Observer):
            def on_outcome(self, row: Outgoing) -> None:
                nonlocal left
                left -= row.state is SendState.SENT
                if not left:
                    stop.set()

        with _measured():
            await Sender(store, built, clock, settings=lambda: make_settings(rules=[]), observer=Count()).run(stop)
        await store.close()


def script(options: Options) -> None:
    def post(channel: int) -> None:
        client = slack_sdk.WebClient(TOKEN, base_url=options.api)
        for number in range(channel, options.messages, options.channels):
            time.sleep(options.pace)
            text, blocks = (
                rendering.plain_preview(messages.POST),
                slack_blocks.build_blocks(messages.POST, names_story=True),
            )
            metadata = {"event_type": "script", "event_payload": {"send_id": f"send-{number}"}}
            client.chat_postMessage(channel=f"#c{channel}", text=text, blocks=blocks, metadata=metadata)

    with _measured(), ThreadPoolExecutor(options.channels) as threads:
        list(threads.map(post, range(options.channels)))


CONTENDERS: dict[str, Callable[[Options], None]] = {
    "wirewatch": ours,
    "thread a channel": script,
}


@contextmanager
def _measured() -> Iterator[None]:
    """Print seconds and CPU seconds of the body."""
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    yield
    took, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(json.dumps({"seconds": took, "cpu": cpu, "memory_mb": after.ru_maxrss / 1024}))


# -- one contender in a process of its own, against a Slack of its own


@contextmanager
def slack_process(options: Options) -> Iterator[str]:
    names = [word for number in range(options.channels) for word in ("--channel", f"c{number}")]
    # Posts leave a pace apart and arrive a little less evenly.
    gap = ["--gap", str(options.pace * 0.95)]
    command = [sys.executable, "-m", "tests.testbed.servers.slack", *names, *gap]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process.stdout.readline().split()[1]
        finally:
            process.terminate()


def run(name: str, options: Options) -> str:
    with slack_process(options) as api:
        words = [f"--{key}={getattr(options, key)}" for key in ("messages", "channels", "pace")]
        command = [sys.executable, "-m", "bench.speed.delivery", "--contender", name, "--api", api, *words]
        report = json.loads(subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True, text=True).stdout)
        with urllib.request.urlopen(api.removesuffix("api/") + "record", timeout=10) as answer:
            taken = json.load(answer)
    ids = Counter(m["metadata"]["event_payload"]["send_id"] for channel in taken.values() for m in channel)
    gaps = [float(b["ts"]) - float(a["ts"]) for channel in taken.values() for a, b in pairwise(channel)]
    lost, doubled = options.messages - len(ids), sum(count - 1 for count in ids.values())
    rate, share = options.messages / report["seconds"], report["cpu"] / report["seconds"]
    milliseconds = 1000 * report["cpu"] / options.messages
    return (
        f"{name:18}{report['seconds']:9.1f}{rate:12.1f}{share:11.1%}{milliseconds:12.1f}"
        f"{report['memory_mb']:8.0f}{min(gaps, default=0):11.3f}{lost:6}{doubled:9}"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--messages", type=int, default=1_000)
    parser.add_argument("--channels", type=int, default=20)
    parser.add_argument("--pace", type=float, default=1.0, help="least seconds between two messages of a channel")
    parser.add_argument("--only", action="append", choices=CONTENDERS, help="may be repeated")
    parser.add_argument("--contender", choices=CONTENDERS, help=argparse.SUPPRESS)
    parser.add_argument("--api", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.contender:
        # Log lines cost what they cost in the service, and are not shown.
        structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
        CONTENDERS[options.contender](options)
        return
    limit = options.messages / options.channels * options.pace
    print(f"{options.messages} messages, {options.channels} channels; at the limits {limit:.0f} s")
    print(
        f"{'':18}{'seconds':>9}{'messages/s':>12}{'of a core':>11}{'CPU ms each':>12}{'MB':>8}{'least gap':>11}"
        f"{'lost':>6}{'doubled':>9}"
    )
    for name in options.only or CONTENDERS:
        print(run(name, options), flush=True)


if __name__ == "__main__":
    main()
