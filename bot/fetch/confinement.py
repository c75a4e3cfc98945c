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
#: Processor -> its number in a filter, and its column below.
_PROCESSORS = {"x86_64": (0xC000003E, 0), "aarch64": (0xC00000B7, 1)}
#: Refused call -> its numbers on x86-64 and ARM64 (None: the processor has no such call).
_REFUSED_CALLS: dict[str, tuple[int, int | None]] = {
    # Access to the outside, to programs and to other processes. io_uring can open sockets too.
    "socket": (41, 198), "io_uring_setup": (425, 425), "execve": (59, 221), "execveat": (322, 281),
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271),
    "process_madvise": (440, 440), "pidfd_open": (434, 434), "pidfd_getfd": (438, 438), "kcmp": (312, 272),
    # New processes and namespaces.
    "clone": (56, 220), "clone3": (435, 435), "fork": (57, None), "vfork": (58, None),
    "unshare": (272, 97), "setns": (308, 268), "personality": (135, 92),
    # The priority of other processes.
    "setpriority": (141, 140), "ioprio_set": (251, 30), "sched_setparam": (142, 118), "sched_setscheduler": (144, 119),
    "sched_setaffinity": (203, 122), "sched_setattr": (314, 274),
    # Parts of the kernel that no parser needs, and in which faults were often found.
    "userfaultfd": (323, 282), "bpf": (321, 280), "perf_event_open": (298, 241),
    "add_key": (248, 217), "request_key": (249, 218), "keyctl": (250, 219),
    # Memory and messages that survive the process or reach others.
    "shmget": (29, 194), "shmat": (30, 196), "shmctl": (31, 195), "shmdt": (67, 197),
    "semget": (64, 190), "semop": (65, 193), "semctl": (66, 191), "semtimedop": (220, 192),
    "msgget": (68, 186), "msgsnd": (69, 189), "msgrcv": (70, 188), "msgctl": (71, 187), "mq_open": (240, 180),
    # Mounts, handles of files, and notices of changes to them.
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "mount_setattr": (442, 442),
    "name_to_handle_at": (303, 264), "open_by_handle_at": (304, 265),
    "inotify_init": (253, None), "inotify_init1": (294, 26), "fanotify_init": (300, 262),
}  # fmt: skip
#: The numbers of prlimit64. A process may set its own limits, but not another's.
_PRLIMIT = (302, 261)
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
    """Make the kernel refuse ``_REFUSED_CALLS`` and limits for other processes. Return whether it accepted that."""
    machine = os.uname().machine
    if machine not in _PROCESSORS or sys.maxsize < 2**32:
        return False
    architecture, column = _PROCESSORS[machine]
    refused = [number for numbers in _REFUSED_CALLS.values() if (number := numbers[column]) is not None]
    # The second and third values are the steps to skip if a test holds, and if not. The last step refuses the call.
    tests = [(_IS_AT_LEAST, _OTHER_ABI), *((_IS_EQUAL, call) for call in refused)]
    # The first argument of prlimit64 is the process; 0 is the caller.
    limit_tests = [
        (_IS_EQUAL, 0, 2, _PRLIMIT[column]),
        (_LOAD, 0, 0, _AT_ARGUMENT),
        (_IS_EQUAL, 0, 1, 0),
        (_RETURN, 0, 0, _ALLOW),
    ]
    to_end = len(tests) + len(limit_tests)
    steps = [(_LOAD, 0, 0, _AT_PROCESSOR), (_IS_EQUAL, 0, to_end + 1, architecture), (_LOAD, 0, 0, _AT_CALL)]
    steps += [(code, to_end - 1 - place, 0, value) for place, (code, value) in enumerate(tests)]
    steps += [*limit_tests, (_RETURN, 0, 0, _FAIL)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = ctypes.create_string_buffer(struct.pack("@HP", len(steps), ctypes.addressof(code)))
    return _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program))
