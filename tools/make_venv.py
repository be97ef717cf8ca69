"""Makes `.venv` what `requirements.lock` says, or does nothing when it is that already.

Every package, uv and the build backend included, is installed from the lock with its hash checked;
nothing else is fetched. Written for the oldest Python that might run it, so that an old one is told
what is wrong instead of failing on a line it cannot read.
"""

import hashlib
import os
import re
import shutil
import subprocess
import sys

OLDEST = (3, 11)
VERSION = sys.version.split()[0]
# The Python below, also when the one running this is that of a virtual environment.
BASE_PYTHON = getattr(sys, "_base_executable", sys.executable)
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "made-from")
LOCK = os.path.join(ROOT, "requirements.lock")


def main():
    if sys.version_info < OLDEST:
        stop(
            f"Python {OLDEST[0]}.{OLDEST[1]} or newer is needed; this is {VERSION}."
            " Name another one: make PYTHON=python3.12"
        )
    try:
        import ensurepip  # noqa: F401
        import fcntl
        import venv  # noqa: F401
    except ImportError as error:
        stop(f"this Python has no {error.name}; install its venv package (Debian: python3-venv)")
    wanted = fingerprint()
    if made_from() == wanted:
        return
    try:
        with open(os.path.join(ROOT, ".venv.lock"), "w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # two commands at once: the second finds it made
            if made_from() != wanted:
                make(wanted)
    except PermissionError as error:
        stop(f"no right to write {error.filename}; run as the owner of this directory")


def fingerprint():
    """All that the environment is made from: the lock, the project, where it is, which Python."""
    digest = hashlib.sha256()
    for name in ("requirements.lock", "pyproject.toml"):
        with open(os.path.join(ROOT, name), "rb") as file:
            digest.update(file.read())
    digest.update(repr((ROOT, sys.version, os.path.realpath(BASE_PYTHON))).encode())
    return digest.hexdigest()


def made_from():
    """The fingerprint the environment was made from; None if there is none or it does not run."""
    try:
        with open(STAMP) as stamp:
            made = stamp.read()
        check = "import django; from importlib.util import find_spec; assert find_spec('metabrm')"
        subprocess.run([PYTHON, "-c", check], check=True, capture_output=True, cwd=VENV)
        return made
    except (OSError, subprocess.CalledProcessError):
        return None


def make(wanted):
    if not os.path.exists(STAMP) or not runs():
        say(f"making .venv with Python {VERSION} ...")
        shutil.rmtree(VENV, ignore_errors=True)
        run([BASE_PYTHON, "-m", "venv", VENV])
    if os.path.exists(STAMP):
        os.remove(STAMP)
    uv = os.path.join(VENV, "bin", "uv")
    uv_lines = os.path.join(VENV, "uv.lock")
    with open(uv_lines, "w") as file:
        file.write(locked("uv"))
    say("installing uv ...")
    run(
        [
            PYTHON,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--require-hashes",
            "--no-deps",
            "-r",
            uv_lines,
        ]
    )
    say("installing the packages of requirements.lock ...")
    run([uv, "pip", "sync", "--quiet", "--python", PYTHON, "--require-hashes", LOCK])
    say("installing metabrm itself ...")
    run(
        [
            uv,
            "pip",
            "install",
            "--quiet",
            "--python",
            PYTHON,
            "--no-deps",
            "--no-build-isolation",
            "--editable",
            ROOT,
        ]
    )
    with open(STAMP, "w") as stamp:
        stamp.write(wanted)
    say(".venv is ready")


def runs():
    try:
        return subprocess.run([PYTHON, "-c", ""], capture_output=True).returncode == 0
    except OSError:
        return False


def locked(name):
    """The lines of the lock for one package: its version and the hashes it may have."""
    with open(LOCK) as lock:
        found = re.search(rf"^{name}==.*(?:\n +--hash.*)*", lock.read(), re.MULTILINE)
    if not found:
        stop(f"requirements.lock has no {name}; run make lock")
    return found.group().rstrip("\\ \n") + "\n"


def run(command):
    if subprocess.run(command, cwd=ROOT).returncode != 0:
        stop(f"this command failed: {' '.join(command)}")


def say(text):
    print("setup: " + text, flush=True)


def stop(text):
    sys.exit("setup: " + text)


if __name__ == "__main__":
    main()
