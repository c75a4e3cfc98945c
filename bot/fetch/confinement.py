"""Confine a reader process, so that it may read only its input and the Python libraries.

A fault in a parser may run a stranger's code. On Linux, the kernel denies such code access to the bot's environment and
memory, files, programs and the network. Measures that the kernel does not support are skipped; docs/threat-model.md
explains which protection remains. The calls are prctl(2), landlock(7) and seccomp(2), by number if Python has no
function.
"""

from __future__ import annotations

import ctypes
import errno
import os
import resource
import struct
import sys
import sysconfig
from collections.abc import Iterable, Sequence
from pathlib import Path

# <linux/prctl.h>
_PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_SET_NO_NEW_PRIVS = 4, 22, 38
# <linux/landlock.h>. The calls have the same numbers on all processors.
_LANDLOCK_CREATE_RULESET, _LANDLOCK_ADD_RULE, _LANDLOCK_RESTRICT_SELF = 444, 445, 446
_RULESET_VERSION, _RULE_PATH_BENEATH = 1, 1
_READ_FILE, _READ_DIR = 1 << 2, 1 << 3
#: Version of Landlock -> number of its file access rights.
_ACCESS_BITS = {1: 13, 2: 14, 3: 15, 4: 15}
_NEWEST_ACCESS_BITS = 16
#: First version with rights for TCP, and first version with scopes for abstract Unix sockets and signals.
_TCP_SINCE, _SCOPES_SINCE = 4, 6
# <linux/seccomp.h>, <linux/audit.h>, <linux/filter.h>
_SECCOMP_MODE_FILTER, _ALLOW, _FAIL = 2, 0x7FFF0000, 0x00050000 | errno.EPERM
_LOAD, _IS_EQUAL, _IS_AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_OTHER_ABI = 0x40000000
#: Processor -> its number in a filter, the numbers of the calls below, in their order, and the number of prlimit64.
#: - access to the outside: socket, ptrace, execve, execveat, process_vm_readv, process_vm_writev, io_uring_setup (which
#:   can open sockets too), pidfd_getfd;
#: - new processes: clone, clone3, fork, vfork (which newer processors lack);
#: - the priority of other processes: setpriority, ioprio_set, sched_setparam, sched_setscheduler, sched_setaffinity,
#:   sched_setattr.
_CALLS = {
    "x86_64": (
        0xC000003E,
        (41, 101, 59, 322, 310, 311, 425, 438, 56, 435, 57, 58, 141, 251, 142, 144, 203, 314),
        302,
    ),
    "aarch64": (
        0xC00000B7,
        (198, 117, 221, 281, 270, 271, 425, 438, 220, 435, 140, 30, 118, 119, 122, 274),
        261,
    ),
}
#: Places of the processor, the call's number and its first argument in what a filter sees (struct seccomp_data).
_AT_PROCESSOR, _AT_CALL, _AT_ARGUMENT = 4, 0, 16
#: Maximum open files. An import needs a few at a time.
_MOST_FILES = 64
#: Files and folders that stay readable in addition to Python's: shared libraries, time zones, locales, devices.
_SYSTEM = (
    "/lib", "/lib64", "/usr/lib", "/usr/lib64", "/usr/local/lib", "/usr/share/zoneinfo", "/usr/share/locale",
    "/etc/ld.so.cache", "/etc/localtime", "/etc/mime.types", "/dev/null", "/dev/urandom",
)  # fmt: skip


def hide_memory() -> None:
    """Prevent other processes of the same user from reading this process's environment and memory (Linux)."""
    _prctl(_PR_SET_DUMPABLE, 0)


def confine() -> Sequence[str]:
    """Give up all rights that a reader process does not need. Return the names of the measures in force."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (_MOST_FILES, _MOST_FILES))
    # No new process, even where the kernel has no seccomp. This does not hold for root.
    resource.setrlimit(resource.RLIMIT_NPROC, (0, 0))
    # The kernel accepts the two other measures only after the first.
    if not _prctl(_PR_SET_NO_NEW_PRIVS, 1):
        return ()
    measures = ["no new privileges"]
    if version := _restrict_files(_python_tree()):
        measures.append(f"Landlock {version}")
    if _refuse_calls():
        measures.append("seccomp")
    return measures


def _prctl(option: int, value: int, pointer: int = 0) -> bool:
    if sys.platform != "linux":
        return False
    try:
        number = ctypes.c_ulong
        status: int = ctypes.CDLL(None).prctl(option, number(value), number(pointer), number(0), number(0))
    except (OSError, AttributeError):
        return False
    return status == 0


def _python_tree() -> Iterable[Path]:
    """Return what stays readable: Python's libraries, packages that were loaded from elsewhere, and ``_SYSTEM``.

    Omit other folders of ``sys.path``, which may include the working directory with secrets.
    """
    libraries = {Path(sysconfig.get_path(name)) for name in ("stdlib", "platstdlib", "purelib", "platlib")}
    libraries |= {Path(prefix) / "lib" for prefix in (sys.prefix, sys.base_prefix)}
    libraries |= {Path(place) for place in sys.path if Path(place).name in ("site-packages", "dist-packages")}
    packages = {Path(place) for module in list(sys.modules.values()) for place in getattr(module, "__path__", ())}
    return libraries | packages | set(map(Path, _SYSTEM))


def _restrict_files(readable: Iterable[Path]) -> int:
    """Allow reading only below ``readable``, and forbid TCP. Return the version of Landlock, or 0 if there is none."""
    libc = ctypes.CDLL(None, use_errno=True)
    version = libc.syscall(_LANDLOCK_CREATE_RULESET, None, 0, _RULESET_VERSION)
    if version < 1:
        return 0
    fields = [(1 << _ACCESS_BITS.get(version, _NEWEST_ACCESS_BITS)) - 1]
    fields += [0b11] if version >= _TCP_SINCE else []
    fields += [0b11] if version >= _SCOPES_SINCE else []
    handled = struct.pack(f"={len(fields)}Q", *fields)
    rules = libc.syscall(_LANDLOCK_CREATE_RULESET, handled, len(handled), 0)
    if rules < 0:
        return 0
    try:
        for path in readable:
            try:
                place = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue  # the path does not exist on this machine
            access = _READ_FILE | (_READ_DIR if path.is_dir() else 0)
            libc.syscall(_LANDLOCK_ADD_RULE, rules, _RULE_PATH_BENEATH, struct.pack("=Qi", access, place), 0)
            os.close(place)
        return version if libc.syscall(_LANDLOCK_RESTRICT_SELF, rules, 0) == 0 else 0
    finally:
        os.close(rules)


def _refuse_calls() -> bool:
    """Make the kernel refuse sockets, programs, new processes and access to others. Return whether it accepted that."""
    machine = os.uname().machine
    if machine not in _CALLS or sys.maxsize < 2**32:
        return False
    architecture, refused, prlimit = _CALLS[machine]
    # The second and third values are the steps to skip if a test holds, and if not. The last step refuses the call.
    tests = [(_IS_AT_LEAST, _OTHER_ABI), *((_IS_EQUAL, call) for call in refused)]
    # A process may set its own limits (its number is 0), but not those of others.
    rest = [(_IS_EQUAL, 0, 2, prlimit), (_LOAD, 0, 0, _AT_ARGUMENT), (_IS_EQUAL, 0, 1, 0), (_RETURN, 0, 0, _ALLOW)]
    to_end = len(tests) + len(rest)
    steps = [(_LOAD, 0, 0, _AT_PROCESSOR), (_IS_EQUAL, 0, to_end + 1, architecture), (_LOAD, 0, 0, _AT_CALL)]
    steps += [(code, to_end - 1 - place, 0, value) for place, (code, value) in enumerate(tests)]
    steps += [*rest, (_RETURN, 0, 0, _FAIL)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    return _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))
