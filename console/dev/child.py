"""Become another program that cannot outlive its parent. Run as a script; the standard library is all it needs.

`python child.py --parent PID --signal NAME [--user UID:GID] [--reach] -- PROGRAM ARGUMENT...`

The program replaces this process, so it is a direct child of whoever started the script. `--signal` is what the kernel
sends it when its parent dies, even by SIGKILL (Linux only). `--user` gives up root for good; `--reach` keeps the one
capability of walking through folders closed to that user, so that no folder of the machine has to be opened for it.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import os
import signal
import sys

_PR_SET_PDEATHSIG, _PR_SET_KEEPCAPS, _PR_CAPBSET_READ, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE = 1, 8, 23, 47, 2
_CAP_DAC_OVERRIDE, _CAP_DAC_READ_SEARCH = 1, 2
_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP = 28, 1 << 2


class _Header(ctypes.Structure):
    _fields_ = [("version", ctypes.c_uint32), ("pid", ctypes.c_int)]


class _Data(ctypes.Structure):
    _fields_ = [("effective", ctypes.c_uint32), ("permitted", ctypes.c_uint32), ("inheritable", ctypes.c_uint32)]


def _prctl(libc: ctypes.CDLL, option: int, *arguments: int) -> int:
    padded = (*arguments, 0, 0, 0, 0)[:4]
    answer: int = libc.prctl(option, *(ctypes.c_ulong(value) for value in padded))
    if answer < 0:
        raise OSError(ctypes.get_errno(), f"prctl {option}: {os.strerror(ctypes.get_errno())}")
    return answer


def _become(libc: ctypes.CDLL, user: int, group: int, *, reach: bool) -> None:
    capability = None
    if reach:
        allowed = [c for c in (_CAP_DAC_READ_SEARCH, _CAP_DAC_OVERRIDE) if _prctl(libc, _PR_CAPBSET_READ, c)]
        if not allowed:
            raise SystemExit("the folders on the way are closed to the database's user, and root here may not pass")
        capability = allowed[0]
        _prctl(libc, _PR_SET_KEEPCAPS, 1)
        # access(2) looks without capabilities unless this bit is set (capabilities(7)), and initdb looks by it whether
        # the programs beside it are there. Where root here may not set it, folders on the way to them must be open.
        with contextlib.suppress(OSError):
            _prctl(libc, _PR_SET_SECUREBITS, _SECBIT_NO_SETUID_FIXUP)
    os.setgroups([])
    os.setresgid(group, group, group)
    os.setresuid(user, user, user)
    if capability is not None:
        bit = 1 << capability
        data = (_Data * 2)(_Data(bit, bit, bit), _Data(0, 0, 0))
        if libc.capset(ctypes.byref(_Header(_CAPABILITY_VERSION_3, 0)), data) != 0:
            raise OSError(ctypes.get_errno(), f"capset: {os.strerror(ctypes.get_errno())}")
        _prctl(libc, _PR_CAP_AMBIENT, _PR_CAP_AMBIENT_RAISE, capability)


def main() -> None:
    """Read the arguments and become the program."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--signal", default="SIGTERM")
    parser.add_argument("--user")
    parser.add_argument("--reach", action="store_true")
    parser.add_argument("program", nargs="+")
    options = parser.parse_args()
    if sys.platform == "linux":
        libc = ctypes.CDLL(None, use_errno=True)
        if options.user:
            user, group = (int(part) for part in options.user.split(":"))
            _become(libc, user, group, reach=options.reach)
        # After the change of user, which clears it.
        _prctl(libc, _PR_SET_PDEATHSIG, signal.Signals[options.signal])
    if os.getppid() != options.parent:
        raise SystemExit("the parent is gone already")
    os.execvp(options.program[0], options.program)


if __name__ == "__main__":
    main()
