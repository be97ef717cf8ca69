"""What is made at the first start and kept in the state directory, and whose that directory is.

Secrets that no variable gives are generated once, whole or not at all.
"""

import os
import secrets
from pathlib import Path

from metabrm import environment
from metabrm.environment.values import FIELD_KEY_BYTES, existing, field_key
from metabrm.problems import Problem

#: Id of the key that is generated where none is given.
GENERATED_FIELD_KEY = "generated"
#: Id of the signing key that is the secret key, where none is given.
GENERATED_SIGNING_KEY = "secret-key"


def secret_key() -> str:
    """BRM_SECRET_KEY, or the one generated at the first start and kept in the state directory."""
    env = environment.current()
    return env.secret_key or _kept(env.state_dir / "secret-key", 64)


def signing_keys() -> tuple[tuple[str, str], ...]:
    """Id and key of all in BRM_SIGNING_KEYS, the one that signs first; else the secret key."""
    return environment.current().signing_keys or ((GENERATED_SIGNING_KEY, secret_key()),)


def field_keys() -> tuple[tuple[str, bytes], ...]:
    """Id and key of all in BRM_FIELD_KEYS, the one that writes first.

    Without the variable, the one generated at the first start and kept in the state directory; but
    none where the database is somebody else's: its backups would need what lies in a directory of
    this machine.
    """
    env = environment.current()
    if env.field_keys or env.database_url is not None:
        return env.field_keys
    kept = _kept(env.state_dir / "field-key", FIELD_KEY_BYTES)
    return ((GENERATED_FIELD_KEY, field_key(kept)),)


def admin_password() -> str:
    """BRM_ADMIN_PASSWORD, or the one generated at the first start; see `admin_password_file`."""
    env = environment.current()
    return env.admin_password or _kept(env.admin_password_file, 18)


def _kept(path: Path, size: int) -> str:
    """The secret stored at `path`, made of `size` random bytes if there is none yet."""
    state_directory(path.parent)
    if not path.exists():
        # Written whole under another name and then linked: whoever comes second (two commands at
        # once), or after a crash in the middle, never sees half a secret and never replaces one.
        draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with open(descriptor, "w") as file:
                file.write(secrets.token_urlsafe(size) + "\n")
                file.flush()
                os.fsync(file.fileno())
            give_to_owner(draft)
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink(missing_ok=True)
    try:
        return path.read_text().strip()
    except PermissionError:
        raise Problem(f"{path} belongs to another user; run as that user") from None


def state_directory(path: Path) -> int:
    """Create `path` if need be; returns the user id that owns it and everything in it."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except FileExistsError:
        raise Problem(f"BRM_STATE_DIR {path} is not a directory") from None
    except PermissionError:
        raise Problem(
            f"BRM_STATE_DIR {path} cannot be created: no right to write in {existing(path)};"
            " set BRM_STATE_DIR to a directory of your own"
        ) from None
    owner = path.stat().st_uid
    if os.geteuid() not in (0, owner):
        raise Problem(
            f"BRM_STATE_DIR {path} belongs to user {owner}, you are user {os.geteuid()};"
            " run as its owner or set BRM_STATE_DIR to a directory of your own"
        )
    return owner


def give_to_owner(path: Path) -> None:
    """What root makes in an ordinary user's state directory must be of use to that user after."""
    if os.geteuid() == 0:
        os.chown(path, path.parent.stat().st_uid, -1)
