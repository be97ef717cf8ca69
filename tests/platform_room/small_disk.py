"""Runs a command with a small disk of its own: small_disk.py SIZE DIRECTORY FILL COMMAND...

The disk is a tmpfs on DIRECTORY, seen by this process alone, in a mount and user namespace of its
own; neither root nor a change to the machine is needed. COMMAND runs on the fresh disk and, with
FILL 1, again after the disk was filled to its last byte. Exits with 77 where that is refused.
"""

import ctypes
import os
import subprocess
import sys

CLONE_NEWNS, CLONE_NEWUSER, MS_PRIVATE, MS_REC = 0x00020000, 0x10000000, 1 << 18, 1 << 14
size, directory, fill, *command = sys.argv[1:]
libc = ctypes.CDLL(None, use_errno=True)
uid, gid = os.geteuid(), os.getegid()
try:
    if libc.unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (("setgroups", "deny"), ("uid_map", f"0 {uid} 1"), ("gid_map", f"0 {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    libc.mount(b"none", b"/", None, MS_REC | MS_PRIVATE, None)
    options = f"size={size},mode=700".encode()
    if libc.mount(b"tmpfs", directory.encode(), b"tmpfs", 0, options) != 0:
        raise OSError(ctypes.get_errno(), "mount")
except OSError as error:
    print(error)
    sys.exit(77)

code = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
if fill == "1":
    assert code == 0
    with open(f"{directory}/filling", "wb", buffering=0) as filling:
        for block in (b"x" * 65536, b"x"):
            try:
                while True:
                    filling.write(block)
            except OSError:
                pass
    print("disk is filled", file=sys.stderr, flush=True)
    code = subprocess.run(command, stdin=subprocess.DEVNULL).returncode
sys.exit(code)
