"""Seccomp: a Linux process gives up system calls for good, without being root. See seccomp(2).

A merge only computes. It needs no other process, no socket, no signal to other processes, and no change of files'
owners, modes or times. Landlock (landlock.py) restricts reading and writing, but none of these.
"""

from __future__ import annotations

import ctypes
import errno
import os
import platform
import signal
import struct
import sys

_NO_NEW_PRIVILEGES, _SET_SECCOMP, _FILTER = 38, 22, 2
_ALLOW, _DENY, _MISSING = 0x7FFF0000, 0x00050000 | errno.EPERM, 0x00050000 | errno.ENOSYS
_LOAD, _EQUAL, _AT_LEAST, _SET, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06  # of classic BPF
_NUMBER, _ARCHITECTURE, _FIRST, _SECOND = 0, 4, 16, 24  # offsets in struct seccomp_data, low words first
_CLONE_THREAD = 0x00010000
_ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_X32 = 0x40000000  # marks the numbers of the x32 interface of x86_64

# Names from the kernel's tables, with the numbers on x86_64 and aarch64; None if an architecture lacks the call.
_DENIED: dict[str, tuple[int | None, int | None]] = {
    "fork": (57, None),
    "vfork": (58, None),
    "execve": (59, 221),
    "execveat": (322, 281),
    "socket": (41, 198),
    "socketpair": (53, 199),
    "io_uring_setup": (425, 425),
    "ptrace": (101, 117),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "pidfd_open": (434, 434),
    "pidfd_getfd": (438, 438),
    "pidfd_send_signal": (424, 424),
    "kill": (62, 129),
    "tkill": (200, 130),
    "rt_sigqueueinfo": (129, 138),
    "rt_tgsigqueueinfo": (297, 240),
    "setpriority": (141, 140),
    "sched_setscheduler": (144, 119),
    "sched_setparam": (142, 118),
    "sched_setattr": (314, 274),
    "ioprio_set": (251, 30),
    "shmget": (29, 194),
    "shmat": (30, 196),
    "semget": (64, 190),
    "msgget": (68, 186),
    "mq_open": (240, 180),
    "memfd_create": (319, 279),
    "mount": (165, 40),
    "umount2": (166, 39),
    "unshare": (272, 97),
    "setns": (308, 268),
    "bpf": (321, 280),
    "perf_event_open": (298, 241),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "lchown": (94, None),
    "fchown": (93, 55),
    "fchownat": (260, 54),
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "setxattrat": (463, 463),
    "removexattrat": (466, 466),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
    "truncate": (76, 45),
    "link": (86, None),
    "linkat": (265, 37),
    "symlink": (88, None),
    "symlinkat": (266, 36),
    "mknod": (133, None),
    "mknodat": (259, 33),
    "flock": (73, 32),
}
_CLONE, _CLONE3 = (56, 220), (435, 435)
_TGKILL, _PRLIMIT, _FCNTL = (234, 131), (302, 261), (72, 25)
_OWNER_COMMANDS = (8, 10, 15)  # F_SETOWN, F_SETSIG, F_SETOWN_EX, which send signals to others through a file
_AFFINITY, _PRCTL = (203, 122), (157, 167)
_PARENT_DEATH_SIGNAL = 1


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("code", ctypes.c_void_p))


def end_with_parent(parent: int) -> None:
    """Let Linux end this process when its parent ends. Other systems do nothing.

    Args:
        parent: The parent's process id. If the parent has ended already, this process ends at once.
    """
    if sys.platform.startswith("linux"):
        ctypes.CDLL(None).prctl(_PARENT_DEATH_SIGNAL, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != parent:  # Linux sends no signal for a parent that ended before the request
            os._exit(1)


def give_up_calls() -> bool:
    """Restrict this process for good to computing, and to reading and writing the files that Landlock allows.

    Returns:
        Whether this system could apply the restriction.
    """
    machine = platform.machine()
    if not sys.platform.startswith("linux") or machine not in _ARCHITECTURES or sys.maxsize < 2**32:
        return False
    libc = ctypes.CDLL(None, use_errno=True)
    code = _code(machine)
    buffer = ctypes.create_string_buffer(code)
    program = _Program(len(code) // 8, ctypes.cast(buffer, ctypes.c_void_p))
    if libc.prctl(_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0:
        return False
    return bool(libc.prctl(_SET_SECCOMP, _FILTER, ctypes.byref(program), 0, 0) == 0)


def _code(machine: str) -> bytes:
    """Make the filter. A denied call fails with EPERM."""
    column = list(_ARCHITECTURES).index(machine)
    code = [
        (_LOAD, 0, 0, _ARCHITECTURE),
        (_EQUAL, 1, 0, _ARCHITECTURES[machine]),
        (_RETURN, 0, 0, _DENY),
        (_LOAD, 0, 0, _NUMBER),
    ]
    if machine == "x86_64":
        code += [(_AT_LEAST, 0, 1, _X32), (_RETURN, 0, 0, _DENY)]
    for numbers in _DENIED.values():
        if (number := numbers[column]) is not None:
            code += [(_EQUAL, 0, 1, number), (_RETURN, 0, 0, _DENY)]
    code += [
        (_EQUAL, 0, 1, _CLONE3[column]),
        (_RETURN, 0, 0, _MISSING),
    ]  # so that libraries use clone, and the filter can read its flags
    own = os.getpid()
    code += _only_if(_CLONE[column], _FIRST, [(_SET, 0, 1, _CLONE_THREAD)])
    code += _only_if(_TGKILL[column], _FIRST, [(_EQUAL, 0, 1, own)])
    code += _only_if(_PRLIMIT[column], _FIRST, [(_EQUAL, 0, 1, 0)])
    code += _only_if(_AFFINITY[column], _FIRST, [(_EQUAL, 0, 1, 0)])
    code += _never_with(_PRCTL[column], _FIRST, _PARENT_DEATH_SIGNAL)
    for command in _OWNER_COMMANDS:
        code += _never_with(_FCNTL[column], _SECOND, command)
    code += [(_RETURN, 0, 0, _ALLOW)]
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in code)


def _never_with(number: int, argument: int, value: int) -> list[tuple[int, int, int, int]]:
    """Deny a call if its argument has this value."""
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, argument),
        (_EQUAL, 0, 1, value),
        (_RETURN, 0, 0, _DENY),
        (_LOAD, 0, 0, _NUMBER),
    ]


def _only_if(number: int, argument: int, test: list[tuple[int, int, int, int]]) -> list[tuple[int, int, int, int]]:
    """Allow a call if its argument passes the test. A test that fails skips one instruction."""
    return [
        (_EQUAL, 0, 4, number),
        (_LOAD, 0, 0, argument),
        *test,
        (_RETURN, 0, 0, _ALLOW),
        (_RETURN, 0, 0, _DENY),
    ]
