"""A reader process may lie, die, hang or send anything: it costs one document, and the next is parsed in a new one."""

from __future__ import annotations

import os
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from bot.feeds.items import prepare_items
from bot.fetch import parsing, protocol
from bot.fetch.parsing import ReaderProcesses
from bot.model.errors import ReadError
from bot.model.feeds import Entry, Feed, ParsedFeed
from tests.feeds.documents import URL
from tests.fetch.conftest import read_title
from tests.testbed.servers.processes import children

READY = protocol.frame_message(protocol.Ready())
NONE = protocol.frame_message(protocol.NoFeed("no feed"))


def _says(*parts: bytes | str) -> str:
    """A program that is ready, takes one question, and then writes bytes or runs a statement for each part.

    It does no more until nobody writes to it any more.
    """
    lines = [
        "import os, sys, time",
        f"os.write(1, {READY!r})",
        "sys.stdin.buffer.read(int.from_bytes(sys.stdin.buffer.read(4), 'big'))",
        *(f"os.write(1, {part!r})" if isinstance(part, bytes) else part for part in parts),
        "sys.stdin.buffer.read()",
    ]
    return "\n".join(lines)


TOO_LONG = prepare_items(Feed(url=URL), ParsedFeed(entries=(Entry(title="x" * 9_000),)))[1]
#: What a program does instead of an answer, and the error of the document.
LIARS = [
    (_says(protocol.frame_message(protocol.Text("x"))), "not a document"),
    (_says(b"<html>"), r"wrong result: a length of \d+ bytes"),
    (_says(len(b"\xc1").to_bytes(4, "big") + b"\xc1"), "wrong result"),
    (_says(protocol.frame_message(protocol.Done(ParsedFeed(), TOO_LONG))), "values that no document can have"),
    (_says(protocol.frame_message(protocol.Leaving())), "no answer within 1 second"),
    (_says(b"\x00\x00\x10\x00abc"), "no answer within 1 second"),
    (_says("os.close(1)", "os.close(2)"), "no answer within"),
    (_says("sys.exit(3)"), "exit code 3"),
    (_says("os.kill(os.getpid(), 11)"), "killed by SIGSEGV"),
]


@pytest.fixture
def readers(readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch) -> ReaderProcesses:
    monkeypatch.setattr(protocol, "PATIENCE_BY_THE_CLOCK", timedelta(seconds=1))
    monkeypatch.setattr(parsing, "_GOODBYE", timedelta(seconds=0.2))
    return readers


async def test_an_answer_that_is_none_costs_its_document_alone(
    readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    for program, error in LIARS:
        monkeypatch.setattr(parsing, "_PROGRAM", program)
        with pytest.raises(ReadError, match=rf"the reader process ended while it parsed this document \(.*{error}"):
            await read_title(readers, "Good")
    monkeypatch.setattr(parsing, "_PROGRAM", _says(NONE))
    with pytest.raises(ReadError, match=r"^no feed$"):
        await read_title(readers, "Good")


async def test_a_process_that_answers_twice_is_replaced(
    readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = parsing._PROGRAM
    monkeypatch.setattr(parsing, "_PROGRAM", _says(NONE + NONE))
    with pytest.raises(ReadError, match=r"^no feed$"):
        await read_title(readers, "Good")
    monkeypatch.setattr(parsing, "_PROGRAM", honest)
    monkeypatch.setattr(protocol, "PATIENCE_BY_THE_CLOCK", timedelta(seconds=30))
    assert await read_title(readers, "Good") == "Good"


async def test_documents_that_fill_the_pipe_of_a_process_that_reads_none_are_given_back(
    readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "_PROGRAM", f"import os, time; os.write(1, {READY!r}); time.sleep(60)")
    with pytest.raises(ReadError, match="no answer within 1 second"):
        await read_title(readers, "Good", text="x" * 900_000)


async def test_a_process_that_does_not_end_when_nobody_writes_to_it_is_killed(
    readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Other tests of this process may have left a fork server.
    other_items = set(children(os.getpid()))
    monkeypatch.setattr(parsing, "_PROGRAM", _says(NONE, "time.sleep(60)"))
    with pytest.raises(ReadError, match=r"^no feed$"):
        await read_title(readers, "Good")
    await readers.close()
    assert set(children(os.getpid())) - other_items == set()


async def test_a_process_that_cannot_be_started_is_reported_with_what_to_do(
    readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    await readers.prepare()
    with pytest.raises(ReadError, match=r"a reader process cannot be started .*fetch\.readers: 0 in bot\.yaml"):
        await read_title(readers, "Good")


@pytest.mark.parametrize(
    ("program", "error"),
    [("import sys; sys.exit(1)", "exit code 1"), ("import time; time.sleep(60)", "no answer")],
)
async def test_a_process_that_does_not_get_ready_is_reported_with_what_to_do(
    readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch, program: str, error: str
) -> None:
    monkeypatch.setattr(protocol, "START_PATIENCE", timedelta(seconds=1))
    monkeypatch.setattr(parsing, "_PROGRAM", program)
    with pytest.raises(ReadError, match=rf"a reader process cannot be started .*{error}"):
        await read_title(readers, "Good")


async def test_a_process_takes_no_module_from_the_working_directory(
    readers: ReaderProcesses, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("bot", "msgspec", "json"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit(f'{__name__} of the working directory')")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(protocol, "PATIENCE_BY_THE_CLOCK", timedelta(seconds=30))
    monkeypatch.setattr(sys, "path", ["", *sys.path])
    assert await read_title(readers, "Good") == "Good"


async def test_a_process_is_given_no_secret(readers: ReaderProcesses, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    monkeypatch.setattr(
        parsing,
        "_PROGRAM",
        _says(
            "import msgspec",
            "told = msgspec.msgpack.encode(['no feed', os.environ.get('SLACK_BOT_TOKEN', 'none given'), None])",
            "os.write(1, len(told).to_bytes(4, 'big') + told)",
        ),
    )
    with pytest.raises(ReadError, match="none given"):
        await read_title(readers, "Good")
