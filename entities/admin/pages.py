"""The pages of one entity: list, form, related records. Made from an EntitySchema, without a class
per entity, so that an entity made while the platform runs has its pages at once.
"""

from typing import Any

from django.contrib.admin.utils import unquote
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.html import format_html

from entities import files, records
from entities.admin import history, offered, recycling
from entities.admin.callers import context_of
from entities.admin.display import record_url
from entities.admin.forms import RecordForm, ShownFile, choose, form_value, lookups_in, wire_field
from entities.admin.listing import ListAdmin
from entities.admin.reader import may_see
from entities.admin.related import related_lists
from entities.admin.titles import Called, stored, title_of, titles
from entities.errors import Code, RequestError
from entities.fieldtypes.structured import key_of
from entities.schema.description import FieldSchema
from metabrm.web.attachments import attachment


class RecordAdmin(ListAdmin):
    """The pages of one entity of one snapshot."""

    actions = ["delete_chosen"]
    warn_unsaved_form = True
    compressed_fields = True
    change_form_template = "admin/metabrm/record.html"

    # The form

    def get_object(
        self, request: HttpRequest, object_id: str, from_field: str | None = None
    ) -> models.Model | None:
        if not (object_id.isascii() and object_id.isdecimal() and len(object_id) < 19):
            return None
        record = self.get_queryset(request).filter(pk=int(object_id)).first()
        if record is not None:
            self.complete(request, record)
        return record

    def get_form(
        self, request: HttpRequest, obj: models.Model | None = None, change: bool = False, **_: Any
    ) -> type[RecordForm]:
        editable = self.editable(request, obj)
        verb, doing = (records.update, "change") if change else (records.create, "add")
        context = context_of(request, f"admin: {doing} {self.schema.noun}")

        def write(form: RecordForm, row: dict[str, Any]) -> records.Outcome:
            more = {"null_clears": True} if change else {}
            return verb(self.schema.name, [row], context, **more)[0]

        return type(
            "RecordForm",
            (RecordForm,),
            {
                "base_fields": {
                    f.name: wire_field(
                        f,
                        self.lookup_url(f),
                        stored(obj, self.schema, f) if obj is not None and f.type.listed else None,
                    )
                    for f in editable
                },
                "model": self.model,
                "shown": self.schema.fields,
                "verb": write,
                "reload": lambda form, pk: self.get_object(request, str(pk)),
                "values_of": lambda form, record: {
                    f.name: self.file_of(record, f)
                    if f.type.name == "FILE"
                    else form_value(f, stored(record, self.schema, f))
                    for f in editable
                    if not f.write_only
                },
            },
        )

    def file_of(self, record: models.Model, field: FieldSchema) -> ShownFile | None:
        """The file that the record holds, with the way to it."""
        value = stored(record, self.schema, field)
        file = files.about(key_of(value)) if value else None
        if file is None:
            return None
        url = self.page("file", record.pk, field.name)
        return ShownFile(file.file_name, file.size, file.content_type, url)

    def get_changeform_initial_data(self, request: HttpRequest) -> dict[str, str]:
        return {name: str(value) for name, value in request.GET.items()}

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        form = context["adminform"].form
        self._name_chosen(form)
        record = context["original"]
        title = self.name_of(record) if record is not None else ""
        explorable = offered.explorable(request, self.snapshot, self.schema.name)
        context |= {
            "title": title or f"New {self.schema.noun}",
            "subtitle": None,
            "about": self.schema.help,
            "show_history": self.schema.history,
            "explorable": [page.name for page in explorable],
            "tools": [
                {
                    "title": page.link or page.title,
                    "icon": page.icon,
                    "url": f"{self.admin_site.root}{page.address}?{parameter}={record.pk}",
                }
                for page in explorable
                if record is not None and (parameter := page.about[self.schema.name])
            ],
            "related": related_lists(request, self.snapshot, self.schema, record)
            if record is not None
            else [],
        }
        response = super().render_change_form(request, context, *args, **kwargs)
        if record is not None and isinstance(response, TemplateResponse):
            assert response.context_data is not None
            # The frame's breadcrumbs print the record itself.
            response.context_data["original"] = Called(record, title)
        return response

    def name_of(self, record: models.Model) -> str:
        """What people call a record that is at hand."""
        name = self.schema.name_field
        if (
            name is not None
            and name.column is not None
            and may_see(self.snapshot, self.schema, name)
        ):
            value = form_value(name, stored(record, self.schema, name))
            if value:
                return str(value)
        return title_of(self.snapshot, self.schema, record.pk)

    def _name_chosen(self, form: RecordForm) -> None:
        """Give each lookup the title of the record that is chosen, and the way to it."""
        known = getattr(form.instance, "brm_titles", {})
        chosen: dict[str, str] = {}
        for field in lookups_in(form.fields.values()):
            assert field.lookup is not None
            value = form[field.name].value()
            if value in (None, ""):
                continue
            same = form.instance.pk is not None and str(value) == str(
                stored(form.instance, self.schema, field)
            )
            if same and field.name in known:
                titled = known[field.name]
            else:
                native, _ = field.type.decode([value], field)
                found = titles(
                    self.snapshot, self.snapshot.target(field), native, field.lookup.column
                )
                titled = found.get(native[0], (0, str(value)))
            url = record_url(self.snapshot.target(field), titled[0]) if titled[0] else ""
            if url:
                form.fields[field.name].help_text = format_html(
                    '{} <a href="{}" class="text-link">Open {}</a>', field.help, url, titled[1]
                )
            by_key = field.lookup.by_key and titled[1] != str(value)
            chosen[field.name] = f"{value} – {titled[1]}" if by_key else titled[1]
        choose(form, chosen)

    def response_add(
        self, request: HttpRequest, obj: models.Model, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._saved(request, obj, "is added")

    def response_change(self, request: HttpRequest, obj: models.Model) -> HttpResponse:
        return self._saved(request, obj, "is saved")

    def _saved(self, request: HttpRequest, record: models.Model, what: str) -> HttpResponse:
        """Say so, and go where the pressed button leads: on with it, another one, or its page."""
        label = self.schema.label
        self.message_user(
            request,
            format_html(
                '{} <a href="{}" class="underline">{}</a> {}.',
                label,
                self.page("change", record.pk),
                self.name_of(record),
                what,
            ),
        )
        if "_addanother" in request.POST:
            return HttpResponseRedirect(self.page("add"))
        if "_continue" in request.POST:
            return HttpResponseRedirect(self.page("change", record.pk))
        return self.response_post_save_change(request, record)

    # Other pages

    def get_urls(self) -> list[URLPattern]:
        meta = self.model._meta
        wrap = self.admin_site.admin_view
        name = f"{meta.app_label}_{meta.model_name}"
        return [
            path("recycle-bin/", wrap(self.bin_view), name=f"{name}_bin"),
            path("restore/", wrap(self.restore_view), name=f"{name}_restore"),
            path("<int:record_id>/file/<str:field>/", wrap(self.file_view), name=f"{name}_file"),
            *super().get_urls(),
        ]

    def delete_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        record = self.get_object(request, unquote(object_id))
        if not self.has_delete_permission(request, record):
            raise PermissionDenied(f"You may not delete {self.schema.label_plural}.")
        if record is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return recycling.delete_page(self, request, [record.pk])

    def delete_chosen(self, request: HttpRequest, queryset: models.QuerySet) -> HttpResponse | None:
        ids = list(queryset.order_by().values_list("pk", flat=True)[: recycling.MOST_AT_ONCE])
        return recycling.delete_page(self, request, ids)

    delete_chosen.short_description = "Delete selected"  # type: ignore[attr-defined]
    delete_chosen.allowed_permissions = ("delete",)  # type: ignore[attr-defined]

    def bin_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied(f"You may not see {self.schema.label_plural}.")
        return recycling.bin_page(self, request)

    def restore_view(self, request: HttpRequest) -> HttpResponse:
        if not self.has_delete_permission(request):
            raise PermissionDenied(f"You may not restore {self.schema.label_plural}.")
        return recycling.restore(self, request)

    def file_view(self, request: HttpRequest, record_id: int, field: str) -> HttpResponse:
        """The file that a record holds, to be saved."""
        try:
            file = files.fetch(
                self.schema.name, record_id, field, context_of(request), snapshot=self.snapshot
            )
        except RequestError as error:
            if error.code == Code.INSUFFICIENT_RIGHTS:
                raise PermissionDenied(error.message) from None
            raise Http404(error.message) from None
        return attachment(file.file_name, file.content_type, file.content)

    def history_view(
        self, request: HttpRequest, object_id: str, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        if not self.has_view_permission(request):
            raise PermissionDenied(f"You may not see {self.schema.label_plural}.")
        if not object_id.isdecimal():
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return history.page(self, request, int(object_id))

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        return recycling.gone(self, request, object_id)

    def lookup_allowed(self, lookup: str, value: Any, request: Any = None) -> bool:
        """Lists are narrowed by their filters only, which know the reader's rights."""
        if request is None:
            return False
        name = lookup.removesuffix("_from").removesuffix("_to")
        known = {made.attribute for made in self.get_list_filter(request)}
        return name in known or lookup in known
