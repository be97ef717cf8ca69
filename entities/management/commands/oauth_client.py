"""`manage.py oauth_client create|list|rotate|revoke`: the programs that sign in with a secret.

What is made is printed as JSON; a secret is shown this once and never again.
"""

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import CommandError

from entities import credentials
from entities.management.keeping import KeepingCommand
from entities.schema.current import current
from metabrm.identity.models import OAuthClient
from metabrm.identity.secret import GRACE, new_client_id


class Command(KeepingCommand):
    model = OAuthClient
    named_by = "client_id"
    called = "OAuth client"
    help = "Make, list, rotate and revoke OAuth clients; secrets are shown once."

    def add_arguments(self, parser: ArgumentParser) -> None:
        actions = parser.add_subparsers(dest="action", required=True)
        create = actions.add_parser("create", help="make a client and print its id and secret")
        create.add_argument("--user", required=True, help="name of the user it acts as")
        create.add_argument("--name", default="", help="what it is for")
        actions.add_parser("list", help="print all clients")
        rotate = actions.add_parser("rotate", help="print a new secret of a client")
        rotate.add_argument("client_id")
        rotate.add_argument(
            "--grace-hours",
            type=float,
            default=GRACE.total_seconds() / 3600,
            help="how long the old secret is right beside the new one (24)",
        )
        revoke = actions.add_parser("revoke", help="deactivate a client and end what it is in by")
        revoke.add_argument("client_id")

    def create(self, user: str, name: str, **_: Any) -> dict[str, str]:
        name = name or f"{user[:80]} {new_client_id()[:8]}"
        row = {"Name": name, "UserIdObj": {"Username": user}}
        made = credentials.make("OAUTH_CLIENT", row, self.context())
        return {**made, "name": name, "user": user}

    def list(self, **_: Any) -> list[dict[str, Any]]:
        clients = OAuthClient.objects.filter(deleted_at=None).select_related("user").order_by("pk")
        return [
            {
                "client_id": client.client_id,
                "name": client.name,
                "user": client.user.username,
                "status": client.status,
                "secret_issued": client.secret_issued,
            }
            for client in clients
        ]

    def rotate(self, client_id: str, grace_hours: float, **_: Any) -> dict[str, str]:
        if not 0 <= grace_hours <= 24 * 365:
            raise CommandError("--grace-hours is a number from 0 to 8760.")
        found = self.found(client_id)
        grace = timedelta(hours=grace_hours)
        return credentials.issue_secret(current(), self.context(), "OAUTH_CLIENT", found.pk, grace)
