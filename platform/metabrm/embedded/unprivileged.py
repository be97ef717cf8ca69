"""Runs a program as somebody other than root, because PostgreSQL refuses to run as root.

Two ways: in a user namespace in which root appears under an ordinary user's number (root's files
stay root's, nothing has to change hands), or, where the machine refuses such namespaces, by really
becoming another user. Run as a script, it needs only the standard library:

    python unprivileged.py namespace UID PROGRAM ARGUMENT...
    python unprivileged.py user UID PROGRAM ARGUMENT...
"""

import ctypes
import os
import pwd
import sys

CLONE_NEWUSER = 0x10000000
REFUSED = 97


def enter_namespace(uid: int) -> None:
    """Be `uid` inside a new user namespace, still root (or whoever we are) outside of it."""
    outer_uid, outer_gid = os.geteuid(), os.getegid()
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWUSER) != 0:
        raise OSError(ctypes.get_errno(), "unshare")
    for name, text in (
        ("setgroups", "deny"),
        ("uid_map", f"{uid} {outer_uid} 1"),
        ("gid_map", f"{uid} {outer_gid} 1"),
    ):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)
    if os.geteuid() != uid:
        raise OSError("the mapping had no effect")


def become(uid: int) -> None:
    """Be another user for good."""
    os.setgroups([])
    os.setgid(pwd.getpwuid(uid).pw_gid)
    os.setuid(uid)


if __name__ == "__main__":
    way, uid, program = sys.argv[1], int(sys.argv[2]), sys.argv[3:]
    try:
        if way == "namespace":
            enter_namespace(uid)
        else:
            become(uid)
        os.execv(program[0], program)
    except (OSError, KeyError) as error:
        print(f"FATAL: {program[0]}: {error}", file=sys.stderr)
        sys.exit(REFUSED)
