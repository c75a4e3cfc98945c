"""A document that runs code in a reader process can do as little as the kernel allows."""

from __future__ import annotations

import errno
import os
import re
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from bot.fetch import parsing
from bot.fetch.parsing import ReaderProcesses
from bot.model.feeds import Feed
from bot.model.fetching import Body
from tests.feeds.documents import URL

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="only Linux has these measures")
#: The real program, whose parser runs the Python of a document and gives back what came of it.
_TAKEN_OVER = """
import sys
sys.path[:] = sys.argv[2:]

from bot.model.feeds import ParsedFeed
from bot.feeds import kinds
from bot.fetch import child

def run(body, **named):
    said = {}
    try:
        exec(body.content.decode(), said)
    except Exception as error:
        said["answer"] = f"{type(error).__name__} {getattr(error, 'errno', '')}"
    return ParsedFeed(title=str(said.get("answer"))[:1_000])

kinds.parse_document = run
child.main(int(sys.argv[1]))
"""


def _landlock() -> int:
    """Return the version of this kernel's Landlock; 0: it has none, or a container's rules keep it from us."""
    probe = "import ctypes; print(ctypes.CDLL(None).syscall(444, None, 0, 1))"
    return max(0, int(subprocess.check_output([sys.executable, "-c", probe])))


LANDLOCK = _landlock()
needs_landlock = pytest.mark.skipif(not LANDLOCK, reason="this kernel has no Landlock, or the container forbids it")
needs_seccomp = pytest.mark.skipif(
    os.uname().machine not in ("x86_64", "aarch64"), reason="the filter knows the calls of these processors"
)
in_the_loop_of_the_process = pytest.mark.asyncio(loop_scope="module")
REFUSED = ("PermissionError 1", "PermissionError 13")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def taken_over() -> AsyncIterator[ReaderProcesses]:
    processes = ReaderProcesses(1, max_bytes=1_000_000)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(parsing, "_PROGRAM", _TAKEN_OVER)
        assert await _run(processes, "answer = 6 * 7") == "42"
    yield processes
    await processes.close()


async def _run(processes: ReaderProcesses, code: str) -> str | None:
    body = Body(content=code.encode(), content_type="", url=URL)
    reading, _ = await processes.read(body, Feed(url=URL))
    return reading.title


@needs_landlock
@in_the_loop_of_the_process
async def test_a_reader_process_can_read_no_secret_and_nothing_of_the_bot_and_write_no_file(
    taken_over: ReaderProcesses, tmp_path: Path
) -> None:
    secret = tmp_path / "slack-token"
    secret.write_text("xoxb-secret")
    owner = f"/proc/{os.getpid()}/"
    files = [owner + name for name in ("environ", "mem", "cmdline", "maps")] + [str(secret), "/etc/passwd", __file__]
    for code in (
        *(f"open({file!r}, 'rb').read(100)" for file in files),
        f"open({str(tmp_path / 'new')!r}, 'w')",
        f"__import__('os').listdir({str(tmp_path)!r})",
    ):
        assert await _run(taken_over, f"answer = {code}") in REFUSED, code
    assert secret.read_text() == "xoxb-secret"
    assert os.listdir(tmp_path) == ["slack-token"]


@needs_landlock
@pytest.mark.skipif(LANDLOCK < 6, reason="Landlock keeps signals since its version 6 (Linux 6.12)")
@in_the_loop_of_the_process
async def test_a_reader_process_cannot_end_the_bot(taken_over: ReaderProcesses) -> None:
    assert await _run(taken_over, "import os; answer = os.kill(os.getppid(), 0)") in REFUSED


@needs_seccomp
@in_the_loop_of_the_process
async def test_a_reader_process_opens_no_socket_starts_no_program_and_changes_no_other_process(
    taken_over: ReaderProcesses,
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.1)
        port = server.getsockname()[1]
        connect = f"import socket; answer = socket.create_connection(('127.0.0.1', {port}))"
        assert await _run(taken_over, connect) in REFUSED
        with pytest.raises(TimeoutError):
            server.accept()
    limit = "import os, resource; answer = resource.prlimit({}, resource.RLIMIT_CORE, (0, 0))"
    assert await _run(taken_over, limit.format("os.getppid()")) in REFUSED
    assert await _run(taken_over, limit.format("0")) == "(0, 0)"
    for code in (
        "socket.socket(socket.AF_INET, socket.SOCK_DGRAM)",
        "socket.socket(socket.AF_INET6, socket.SOCK_STREAM)",
        "socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)",
        f"os.execv({sys.executable!r}, ['x', '-c', ''])",
        "os.fork()",
        "os.setpriority(os.PRIO_PROCESS, os.getppid(), 19)",
        "os.sched_setaffinity(os.getppid(), {0})",
        "os.sched_setscheduler(os.getppid(), os.SCHED_IDLE, os.sched_param(0))",
    ):
        assert await _run(taken_over, f"import os, socket; answer = {code}") in REFUSED, code
    thread = "import _thread; answer = _thread.start_new_thread(print, ())"
    assert await _run(taken_over, thread) == "RuntimeError "


#: Names of calls of the C library that take no pointer here, and their arguments.
_CALLS = {
    "unshare": "0x10000000",
    "shmget": "0, 4096, 0o1600",
    "inotify_init1": "0",
    "personality": "0xffffffff",
    "umount2": "b'/', 0",
    "chroot": "b'/'",
}
#: Names of calls without a function in the C library, and their numbers on x86-64 and ARM64.
_NUMBERS = {
    "userfaultfd": (323, 282),
    "bpf": (321, 280),
    "keyctl": (250, 219),
    "pidfd_open": (434, 434),
    "io_uring_setup": (425, 425),
    "open_by_handle_at": (304, 265),
}


@needs_seccomp
@in_the_loop_of_the_process
async def test_a_reader_process_reaches_few_parts_of_the_kernel(taken_over: ReaderProcesses) -> None:
    library = "import ctypes, os; c = ctypes.CDLL(None, use_errno=True); "
    column = ("x86_64", "aarch64").index(os.uname().machine)
    calls = {name: f"c.{name}({arguments})" for name, arguments in _CALLS.items()}
    calls |= {name: f"c.syscall({numbers[column]}, 0, 0, 0, 0, 0)" for name, numbers in _NUMBERS.items()}
    answers = {
        name: await _run(taken_over, f"{library}answer = ({call}, ctypes.get_errno())") for name, call in calls.items()
    }
    assert answers == dict.fromkeys(calls, f"(-1, {errno.EPERM})")


@needs_landlock
@pytest.mark.skipif(LANDLOCK < 4, reason="Landlock knows TCP since its version 4 (Linux 6.7)")
def test_landlock_alone_refuses_tcp() -> None:
    code = (
        "import socket\n"
        "from bot.fetch import confinement\n"
        "server = socket.create_server(('127.0.0.1', 0))\n"
        "confinement._refuse_calls = lambda: False\n"
        "print(confinement.confine())\n"
        "try:\n"
        "    socket.create_connection(server.getsockname())\n"
        "except PermissionError:\n"
        "    print('refused')\n"
    )
    answer = subprocess.check_output([sys.executable, "-c", code], cwd=ROOT, text=True)
    assert answer == f"['no new privileges', 'Landlock {LANDLOCK}']\nrefused\n"


@in_the_loop_of_the_process
async def test_a_reader_process_gains_no_rights_and_opens_few_files(taken_over: ReaderProcesses) -> None:
    answer = await _run(taken_over, "import resource; answer = resource.getrlimit(resource.RLIMIT_NOFILE)")
    assert answer == "(64, 64)"
    code = "import ctypes; answer = ctypes.CDLL(None).prctl(39, 0, 0, 0, 0)"  # PR_GET_NO_NEW_PRIVS
    assert await _run(taken_over, code) == "1"


def test_the_environment_of_a_bot_that_reads_documents_is_hidden_without_landlock_too() -> None:
    code = (
        "import asyncio, ctypes, os, sys\n"
        "from bot.fetch import parsing\n"
        'look = \'import os; open(f"/proc/{os.getppid()}/environ").read(); print("read", flush=True)\'\n'
        "async def main():\n"
        "    def forked():\n"
        "        if not (pid := os.fork()):\n"
        "            try: exec(look)\n"
        "            except PermissionError: print('refused', flush=True)\n"
        "            os._exit(0)\n"
        "        os.waitpid(pid, 0)\n"
        # Run as a user other than root, who may look into every process.
        "    if not os.getuid(): os.setresuid(65534, 65534, 65534); ctypes.CDLL(None).prctl(4, 1, 0, 0, 0)\n"
        "    forked()\n"
        "    try: await parsing.start_process(1_000_000)\n"
        "    except Exception: pass\n"
        "    forked()\n"
        "    os._exit(0)\n"
        "asyncio.run(main())\n"
    )
    answer = subprocess.run([sys.executable, "-c", code], cwd=ROOT, text=True, capture_output=True, check=True).stdout
    assert re.findall(r"read|refused", answer) == ["read", "refused"]
