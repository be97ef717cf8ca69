"""An entity in the admin: who may open its pages, where they are, the frame they stand in."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from django.db.models import QuerySet
from django.db.models.expressions import RawSQL
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from unfold.admin import ModelAdmin

from entities.access import EntityRights
from entities.admin.callers import rights_on
from entities.admin.display import address
from entities.schema.description import EntitySchema, FieldSchema, quote
from entities.schema.snapshot import Snapshot


class EntityAdmin(ModelAdmin):
    """One entity of one snapshot, with the rights that its roles have on it."""

    def __init__(self, site: Any, snapshot: Snapshot, schema: EntitySchema) -> None:
        super().__init__(schema.model, site)
        self.snapshot = snapshot
        self.schema = schema

    @property
    def urls(self) -> list[Any]:
        """None for the site: what `get_urls` says is made into addresses that outlive it."""
        return []

    @cached_property
    def views(self) -> list[Callable[..., Any]]:
        """What the addresses of `get_urls` lead to, in their order."""
        return [each.callback for each in self.get_urls()]

    # Who may do what

    def rights(self, request: HttpRequest) -> EntityRights:
        return rights_on(request, self.snapshot, self.schema)

    def seen(self, request: HttpRequest) -> QuerySet:
        """The records that exist for the request's user, those in the recycle bin too."""
        records = self.model._default_manager.all()
        condition = self.rights(request).condition
        if not condition:
            return records
        ids = f"SELECT r.id FROM {quote(self.schema.table)} r WHERE {condition}"
        return records.filter(pk__in=RawSQL(ids.replace("{t}", "r"), []))

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.rights(request).read

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.rights(request).read

    def has_add_permission(self, request: HttpRequest) -> bool:
        rights = self.rights(request)
        return rights.read and rights.create and self.schema.writable

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        rights = self.rights(request)
        return rights.read and rights.update and self.schema.writable and self._changeable(obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        rights = self.rights(request)
        deletable = self.schema.writable and self.schema.deletable
        return rights.read and rights.delete and deletable and self._changeable(obj)

    @staticmethod
    def _changeable(record: Any) -> bool:
        """Whether a record that a page is about is shared to be changed."""
        return record is None or getattr(record, "brm_changeable", True)

    def keeps_deleted(self) -> bool:
        """Whether the entity has a recycle bin."""
        return self.schema.recycle_bin and self.schema.authored

    def page(self, name: str, *args: Any) -> str:
        """The address of one of this entity's pages."""
        return address(self.schema, name, *args)

    def lookup_url(self, field: FieldSchema) -> str:
        """Where the form asks what a lookup can point to."""
        return f"{self.admin_site.root}lookup/{self.schema.name}/{field.name}/"

    def render(self, request: HttpRequest, template: str, context: dict[str, Any]) -> HttpResponse:
        """A page of this entity in the admin's frame."""
        request.current_app = self.admin_site.name
        frame = {
            **self.admin_site.each_context(request),
            "opts": self.opts,
            "plural": self.schema.label_plural,
            "list_url": self.page("changelist"),
        }
        return TemplateResponse(request, f"admin/metabrm/{template}", {**frame, **context})

    # The form has written; nothing is left to save and nobody logs beside the history.

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        return form.instance

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None: ...

    def save_related(
        self, request: HttpRequest, form: Any, formsets: Any, change: bool
    ) -> None: ...

    def construct_change_message(self, *args: Any, **kwargs: Any) -> list[Any]:
        return []

    def log_addition(self, *args: Any) -> None: ...

    def log_change(self, *args: Any) -> None: ...

    def log_deletions(self, *args: Any) -> None: ...
