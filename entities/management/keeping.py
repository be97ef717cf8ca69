"""The commands that keep the credentials of programs: create, list, rotate, revoke.

What is made is printed as JSON; a secret is shown this once and never again.
"""

from typing import Any, ClassVar

from django.core.management.base import BaseCommand, CommandError

from entities import credentials
from entities.errors import RequestError
from entities.management.telling import told
from metabrm.identity.context import Context
from metabrm.identity.models import ApiKey, OAuthClient


class KeepingCommand(BaseCommand):
    """Base: each action is a method that takes the options and returns what is printed."""

    model: ClassVar[type[ApiKey] | type[OAuthClient]]
    #: The field by which the command line names one.
    named_by: ClassVar[str]
    called: ClassVar[str]

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            done = getattr(self, options["action"])(**options)
        except RequestError as error:
            raise CommandError(error.message) from error
        self.stdout.write(told(done))

    def revoke(self, **options: Any) -> dict[str, str]:
        name = options[self.named_by]
        credentials.deactivate(self.model.brm.name, self.found(name).pk, self.context())
        return {self.named_by: name, "status": "DEACTIVATED"}

    def found(self, name: str) -> Any:
        """The one that is called so. CommandError without one."""
        found = self.model._default_manager.filter(deleted_at=None, **{self.named_by: name}).first()
        if found is None:
            raise CommandError(f"There is no {self.called} {name!r}.")
        return found

    def context(self) -> Context:
        """Who does it: the operator at the command line."""
        return Context.system(f"manage.py {self.model.brm.name.lower()}")
