"""Where files are kept, as Django's setting STORAGES describes it."""

from importlib.util import find_spec
from typing import Any

from metabrm.problems import Problem


def disk(directory: str) -> dict[str, Any]:
    """Files in a directory."""
    return {
        "BACKEND": "django.core.files.storage.FileSystemStorage",
        "OPTIONS": {
            "location": directory,
            # Nobody reaches a file but through the record that holds it.
            "base_url": None,
            "file_permissions_mode": 0o600,
            "directory_permissions_mode": 0o700,
        },
    }


def bucket(url: str) -> dict[str, Any]:
    """Files in a bucket, by the URL of BRM_FILES_URL; Problem where the package for it is not."""
    if find_spec("boto3") is None:
        raise Problem("BRM_FILES_URL needs the package boto3: pip install 'metabrm[s3]'")
    # Only here: it is not installed everywhere.
    from metabrm.objects import options

    return {"BACKEND": "metabrm.objects.ObjectStorage", "OPTIONS": options(url)}
