"""Submissions that mean harm, or do it by mistake: what each does, as the body of a merge."""

LOOP = "def merge(subset, **limits):\n    while True:\n        pass\n"
LOOP_AT_ONCE = "while True:\n    pass\n"
ALLOCATE = "def merge(subset, **limits):\n    hoard = []\n    while True:\n        hoard.append(bytearray(10**8))\n"
EXIT = "import os\ndef merge(subset, **limits):\n    os._exit(0)\n"
PRINT = "def merge(subset, **limits):\n    while True:\n        print('spam' * 10**6)\n"
WRITE = """
import os
def merge(subset, **limits):
    for path in PLACES:
        try:
            open(path, "w").write("here")
        except Exception:
            pass
    return subset
"""
WRITE_IN_C = """
import ctypes
libc = ctypes.CDLL(None)
def merge(subset, **limits):
    for path in PLACES:
        descriptor = libc.open(path.encode(), 0o101, 0o644)
        libc.write(descriptor, b"here", 4)
    return subset
"""
DELETE_IN_C = """
import ctypes
libc = ctypes.CDLL(None)
def merge(subset, **limits):
    for path in PLACES:
        libc.unlink(path.encode())
    return subset
"""
SPAWN_IN_C = """
import ctypes
libc = ctypes.CDLL(None)
def merge(subset, **limits):
    for _ in range(3):
        if libc.fork() == 0:
            libc.setsid()
            while True:
                libc.sleep(MARKED_SECONDS)
    return subset
"""
CALL_HOME = """
import socket
def merge(subset, **limits):
    socket.create_connection(("127.0.0.1", PORT), 1).sendall(b"here")
    return subset
"""
TRY_TO_CALL_HOME = """
    try:
        __import__("socket").create_connection(("127.0.0.1", 9), 1)
    except OSError:
        pass
"""
"""Within a merge."""
CALL_HOME_IN_C = """
import ctypes, socket, struct
libc = ctypes.CDLL(None)
def merge(subset, **limits):
    descriptor = libc.socket(2, 1, 0)
    address = struct.pack("=HH4s8x", 2, socket.htons(PORT), bytes([127, 0, 0, 1]))
    if libc.connect(descriptor, address, len(address)) == 0:
        libc.send(descriptor, b"here", 4, 0)
    return subset
"""
PATCH_CHECKER = """
import gc, sys
import numpy as np
import openpose_lab.lab.merge_checks as checks
checks.CHECKS = ()
checks.run_checks = lambda *_: {}
np.array_equal = lambda *_: True
for module in list(sys.modules.values()):
    if hasattr(module, "find_fault"):
        module.find_fault = lambda *_: None
    if hasattr(module, "peak_sets_of_answer"):
        module.peak_sets_of_answer = lambda *_: set()
def merge(subset, **limits):
    return subset
"""
FORGE_ANSWERS = """
import os
from openpose_lab.lab.sandbox import messages
def merge(subset, **limits):
    for descriptor in range(3, 20):
        try:
            messages.send(os.fdopen(descriptor, "wb", closefd=False), {"kind": "ready", "printed": "x", "guards": 7})
            os.write(descriptor, b"\\xff" * 1000)
        except OSError:
            pass
    return subset
"""
KILL_PARENT = """
import ctypes, os
libc = ctypes.CDLL(None)
def merge(subset, **limits):
    libc.kill(os.getppid(), 9)
    libc.kill(-1, 9)
    return subset
"""
READ_OTHERS = """
import ctypes
libc = ctypes.CDLL(None)
def merge(subset, **limits):
    found = 0
    for path in PLACES:
        found += libc.open(path.encode(), 0) >= 0
        try:
            found += bool(open(path).read())
        except Exception:
            pass
    if found:
        raise RuntimeError("read " + str(found))
    return subset
"""
HUGE_ANSWER = "import numpy as np\ndef merge(subset, **limits):\n    return np.zeros((10**7, 20), np.int8)\n"
ODD_ANSWER = """
import numpy as np
def merge(subset, **limits):
    answer = np.full((3, 20), 1e300)
    answer[0] = np.nan
    answer[1] = -np.inf
    return answer
"""
RECURSE = "def merge(subset, **limits):\n    return merge(subset)\n"
USE_THE_PROJECT_S = "from estimation.merge import merge\n"
NESTED = "x = " + "(" * 500 + ")" * 500 + "\n"

SLIP_AWAY = """
import ctypes
libc = ctypes.CDLL(None)
def merge(subset, **limits):
    libc.prctl(1, 0, 0, 0, 0)
    libc.setsid()
    while True:
        libc.sleep(MARKED_SECONDS)
"""
CHANGE_MODES = """
import ctypes
libc = ctypes.CDLL(None)
def merge(subset, **limits):
    for path in PLACES:
        path = path.encode()
        libc.chmod(path, 0)
        libc.chown(path, 1, 1)
        libc.utime(path, None)
        libc.setxattr(path, b"user.here", b"here", 4, 0)
        libc.truncate(path, 0)
        libc.link(path, path + b"2")
    return subset
"""
CALL_BY_FILE = """
import ctypes
libc = ctypes.CDLL(None)
def merge(subset, **limits):
    descriptor = libc.socket(1, 1, 0)
    address = b"\\x01\\x00" + PLACE.encode() + b"\\x00"
    if libc.connect(descriptor, address, len(address)) == 0:
        libc.send(descriptor, b"here", 4, 0)
    return subset
"""
SHARE_MEMORY = """
import ctypes
libc = ctypes.CDLL(None)
def merge(subset, **limits):
    if libc.shmget(0, 10**8, 0o1600) < 0 and libc.memfd_create(b"x", 0) < 0:
        raise RuntimeError("got nothing")
    return subset
"""
FLOOD = """
import os
from openpose_lab.lab.sandbox import messages
def merge(subset, **limits):
    while True:
        for descriptor in range(3, 10):
            try:
                messages.send(os.fdopen(descriptor, "wb", closefd=False), {"kind": "other", "type": "x"}, b"x" * 10**6)
            except OSError:
                pass
"""
SURROGATE = "def merge(subset, **limits):\n    raise ValueError('\\ud800')\n"
FOOL_THE_CLOCK = """
import time
import numpy as np
seen = set()
def merge(subset, **limits):
    if subset.tobytes() in seen:
        time.sleep(0.9)
    seen.add(subset.tobytes())
    return subset[:0]
"""
FORGE_WITHOUT_READING = """
import os
from openpose_lab.lab.sandbox import messages
def merge(subset, **limits):
    while True:
        for descriptor in range(3, 10):
            try:
                messages.send(os.fdopen(descriptor, "wb", closefd=False), {"kind": "other", "type": "x"})
            except OSError:
                pass
"""

WRITE_BY_LIBRARIES = """
import os, sqlite3, sys
def merge(subset, **limits):
    for path in PLACES:
        for write in (by_sqlite, by_fifo, by_node, by_opencv, by_memory_map):
            try:
                write(path + "." + write.__name__)
            except Exception:
                pass
    return subset
def by_sqlite(path):
    sqlite3.connect(path).execute("create table t (x)")
def by_fifo(path):
    os.mkfifo(path)
def by_node(path):
    sys.modules["posix"].mknod(path)
def by_opencv(path):
    import cv2, numpy
    cv2.imwrite(path + ".png", numpy.zeros((9, 9, 3), numpy.uint8))
def by_memory_map(path):
    import numpy
    numpy.memmap(path, mode="w+", shape=(9,))
"""
SPAWN_UNHEARD = """
import sys
from multiprocessing.util import spawnv_passfds
def merge(subset, **limits):
    command = [sys.executable, "-c", "import time; time.sleep(MARKED_SECONDS)", __file__]
    spawnv_passfds(sys.executable.encode(), [part.encode() for part in command], [1])
    return subset
"""
HOLD_THE_PIPES = """
import ctypes
libc = ctypes.CDLL(None)
if libc.fork() == 0:
    libc.setsid()
    while True:
        libc.sleep(MARKED_SECONDS)
def merge(subset, **limits):
    return subset[:0]
"""
"""Where nothing keeps it from starting a process, this one outlives it, and holds its ends of the pipes."""
DATABASE_IN_MEMORY = """
import sqlite3
def merge(subset, **limits):
    sqlite3.connect(":memory:").execute("create table t (x)")
    return subset[:0]
"""
