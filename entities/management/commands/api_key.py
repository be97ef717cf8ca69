"""`manage.py api_key create|list|rotate|revoke`: the keys with which programs call.

What is made is printed as JSON; a key is shown this once and never again.
"""

from argparse import ArgumentParser
from typing import Any

from entities import credentials
from entities.management.keeping import KeepingCommand
from entities.schema.current import current
from metabrm.identity.models import ApiKey


class Command(KeepingCommand):
    model = ApiKey
    named_by = "name"
    called = "API key"
    help = "Make, list, rotate and revoke API keys; keys are shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a key and print it")
        create.add_argument("--user", required=True, help="name of the user it acts as")
        create.add_argument("--name", required=True, help="what it is for")
        create.add_argument("--role", default="", help="name of its role; else the user's own")
        create.add_argument("--expires", default="", help="when it ends, such as 2027-12-31")
        actions.add_parser("list", help="print all keys, as far as they may be shown")
        rotate = actions.add_parser("rotate", help="print a new key in the place of the old one")
        rotate.add_argument("name")
        revoke = actions.add_parser("revoke", help="deactivate a key")
        revoke.add_argument("name")

    def create(self, user: str, name: str, role: str, expires: str, **_: Any) -> dict[str, str]:
        row: dict[str, Any] = {"Name": name, "UserIdObj": {"Username": user}}
        if role:
            row["RoleIdObj"] = {"Name": role}
        if expires:
            row["ExpirationDate"] = expires
        made = credentials.make("API_KEY", row, self.context())
        return {**made, "name": name, "user": user}

    def list(self, **_: Any) -> list[dict[str, Any]]:
        keys = ApiKey.objects.filter(deleted_at=None).select_related("user", "role").order_by("pk")
        return [
            {
                "name": key.name,
                "key_prefix": key.key_prefix,
                "user": key.user.username,
                "role": key.role.name if key.role else None,
                "status": key.status,
                "expiration_date": key.expiration_date,
            }
            for key in keys
        ]

    def rotate(self, name: str, **_: Any) -> dict[str, str]:
        return credentials.issue_secret(current(), self.context(), "API_KEY", self.found(name).pk)
