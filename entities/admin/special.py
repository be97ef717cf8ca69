"""Pages that are more than their metadata: USER has a password, keys and clients have a secret,
AUDIT_LOG has differences, and what was given up of OUTBOUND_MESSAGE can be sent again."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db import models, transaction
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST
from django.views.generic import RedirectView
from unfold.forms import (
    AdminOwnPasswordChangeForm,
    AdminPasswordChangeForm,
    AuthenticationForm,
)

from entities import records
from entities.admin import history, recycling
from entities.admin.bulk import BulkApiRequestAdmin, BulkUploadHistoryAdmin
from entities.admin.callers import context_of, rights_on
from entities.admin.display import Column, record_url
from entities.admin.filters import FieldFilter
from entities.admin.pages import RecordAdmin
from entities.admin.titles import title_of, titles
from entities.credentials import issue_secret
from entities.errors import RequestError
from entities.granting import may_manage
from entities.schema import gate
from entities.schema.description import EntitySchema, FieldSchema
from metabrm.identity.context import Context
from metabrm.identity.models import User
from metabrm.identity.services import set_password


def give_password(user: User, password: str, context: Context) -> None:
    """Set a password so that the history knows who did it; the password itself it never sees."""
    with transaction.atomic():
        gate.enter(context)
        set_password(user, password, by_himself=user.pk == context.user_id)


class SignInForm(AuthenticationForm):
    """The form at the door; why it stays shut is said of all at once, as over the API."""

    error_messages = {
        **AuthenticationForm.error_messages,
        "invalid_login": "The username or the password is wrong, or the user may not sign in here.",
    }


class OwnPasswordForm(AdminOwnPasswordChangeForm):
    """The form behind "Change password" in the user's menu."""

    def clean(self) -> dict[str, Any]:
        cleaned: dict[str, Any] = super().clean() or self.cleaned_data
        new = cleaned.get("new_password1")
        if new and self.user.check_password(new):
            self.add_error("new_password1", "This is the password you have; choose another one.")
        return cleaned

    def save(self, commit: bool = True) -> User:
        user: User = self.user
        give_password(
            user,
            self.cleaned_data["new_password1"],
            Context.of(user, reason="admin: change own password"),
        )
        return user


class UserAdmin(RecordAdmin):
    """USER with a page that sets the password, checked by the validators and kept as a hash."""

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:user_id>/password/",
                self.admin_site.admin_view(self.password_view),
                name="identity_user_password",
            ),
            path(
                "<int:user_id>/sessions/",
                RedirectView.as_view(url=f"{self.admin_site.root}sessions/?user=%(user_id)s"),
                name="identity_user_sessions",
            ),
            *super().get_urls(),
        ]

    def password_view(self, request: HttpRequest, user_id: int) -> HttpResponse:
        """Give a user a new password."""
        if not self.has_change_permission(request):
            raise PermissionDenied("You may not change users.")
        found = self.get_object(request, str(user_id))
        user = User.objects.select_related("role").filter(pk=found.pk).first() if found else None
        if user is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(user_id))
        role = user.role
        caller = context_of(request)
        if self.snapshot.private and not caller.administrator and user.pk != caller.user_id:
            # Whoever signs in as somebody else sees what is his and what is shared with him.
            raise PermissionDenied(
                "Records are PRIVATE here, so only an administrator sets the password of another "
                "user."
            )
        if not may_manage(
            self.snapshot,
            caller,
            role.pk,
            role.administrator_flag,
            role.view_pii_flag,
        ):
            raise PermissionDenied("You may not set the password of this user, who may more.")
        form = AdminPasswordChangeForm(user, request.POST or None)
        if request.method == "POST" and form.is_valid():
            reason = context_of(request, "admin: set password")
            give_password(user, form.cleaned_data["password1"], reason)
            self.message_user(request, f"{user} has a new password; older sign-ins have ended.")
            return HttpResponseRedirect(self.page("change", user.pk))
        return self.render(
            request,
            "password.html",
            {
                "title": f"Password of {user}",
                "form": form,
                "record_url": self.page("change", user.pk),
            },
        )


class CredentialAdmin(RecordAdmin):
    """API_KEY and OAUTH_CLIENT with a page that makes a new secret and shows it once."""

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:record_id>/secret/",
                self.admin_site.admin_view(never_cache(self.secret_view)),
                name=f"identity_{self.opts.model_name}_secret",
            ),
            *super().get_urls(),
        ]

    def secret_view(self, request: HttpRequest, record_id: int) -> HttpResponse:
        """Ask, then make and show."""
        if not self.has_change_permission(request):
            raise PermissionDenied(f"You may not change {self.schema.label_plural}.")
        record = self.get_object(request, str(record_id))
        if record is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, str(record_id))
        made: dict[str, str] = {}
        if request.method == "POST":
            context = context_of(request, "admin: new secret")
            try:
                made = issue_secret(self.snapshot, context, self.schema.name, record_id)
            except RequestError as error:
                raise PermissionDenied(error.message) from error
        return self.render(
            request,
            "secret.html",
            {
                "title": f"Secret of {title_of(self.snapshot, self.schema, record_id)}",
                "made": [(name, made[name]) for name in made if name != "Id"],
                "key": self.schema.name == "API_KEY",
                "record_url": self.page("change", record_id),
            },
        )


class ChangedRecord(Column):
    """The record that an entry of the audit log is about, as a link where it still has a page."""

    def __call__(self, record: models.Model) -> SafeString | str:
        titled, url = record.brm_record  # type: ignore[attr-defined]
        if not url:
            return titled
        return format_html('<a href="{}" class="text-link">{}</a>', url, titled)


class AuditLogAdmin(RecordAdmin):
    """AUDIT_LOG to read: newest first, each entry with what it changed."""

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        names = ("ChangedAt", "Username", "Action", "EntityName", "RecordId", "Reason")
        readable = self.rights(request).readable
        return [self.column(self.schema.field(n)) for n in names if n in readable]

    def column(self, field: FieldSchema) -> Column:
        if field.name == "RecordId" and not isinstance(super().column(field), ChangedRecord):
            self._columns[field.name] = ChangedRecord(self.snapshot, self.schema, field)
        return super().column(field)

    def get_list_filter(self, request: HttpRequest) -> list[Any]:
        entities = sorted(
            (schema.label, str(schema.id))
            for schema in self.snapshot.entities.values()
            if rights_on(request, self.snapshot, schema).read
        )
        chosen = {
            "EntityId": [(entity_id, label) for label, entity_id in entities],
            "Action": [(action, done.capitalize()) for action, done in history.DONE.items()],
        }
        own = [
            FieldFilter(
                self.snapshot,
                self.schema,
                self.schema.field(name),
                options=options,
                title="Entity" if name == "EntityId" else "",
            )
            for name, options in chosen.items()
        ]
        return [*own, *super().get_list_filter(request)]

    def attach(self, found: Any, lookups: Any) -> None:
        super().attach(found, lookups)
        by_id = {schema.id: schema for schema in self.snapshot.entities.values()}
        names = dict(
            User.objects.filter(pk__in={e.user_id for e in found if e.user_id}).values_list(
                "pk", "username"
            )
        )
        pointed = {(e.entity_id, e.record_id) for e in found}
        named = {
            (entity_id, record_id): titled
            for entity_id in {e for e, _ in pointed} & by_id.keys()
            for record_id, titled in titles(
                self.snapshot, by_id[entity_id], [r for e, r in pointed if e == entity_id]
            ).items()
        }
        for entry in found:
            schema: EntitySchema | None = by_id.get(entry.entity_id)
            entry.brm_computed = {
                "EntityName": schema.label if schema else "",
                "Username": names.get(entry.user_id) or "the platform",
            }
            titled = named.get((entry.entity_id, entry.record_id))
            entry.brm_record = (
                (titled[1], record_url(schema, titled[0]))
                if schema and titled
                else (str(entry.record_id), "")
            )

    def complete(self, request: HttpRequest, record: models.Model) -> None:
        self.attach([record], list(self.schema.lookups))

    def get_fieldsets(self, request: HttpRequest, obj: models.Model | None = None) -> list[Any]:
        fields = self.get_list_display(request)
        more = [self.column(self.schema.field("RequestId"))]
        return [(None, {"fields": [*fields, *more]})]

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        readable = {
            schema.name: rights_on(request, self.snapshot, schema).known
            for schema in self.snapshot.entities.values()
        }
        record = context["original"]
        context["entry"] = history.entry(self.snapshot, record.pk, readable)
        return super().render_change_form(request, context, *args, **kwargs)


class OutboundMessageAdmin(RecordAdmin):
    """The delivery log to read, newest first; messages that were given up are sent again by those
    who may update the entity."""

    change_form_template = "admin/metabrm/message.html"
    actions = ["send_again"]

    def get_urls(self) -> list[URLPattern]:
        return [
            path(
                "<int:message_id>/retry/",
                self.admin_site.admin_view(require_POST(self.retry_view)),
                name="entities_outboundmessage_retry",
            ),
            *super().get_urls(),
        ]

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_retry_permission(self, request: HttpRequest) -> bool:
        return super().has_change_permission(request)

    def get_list_display(self, request: HttpRequest) -> list[Any]:
        names = ("Created", "Kind", "Subject", "Destination", "Status", "Attempts", "NextAttemptAt")
        readable = self.rights(request).readable
        return [self.column(self.schema.field(n)) for n in names if n in readable]

    def send_again(self, request: HttpRequest, queryset: models.QuerySet) -> None:
        chosen = queryset.order_by().values_list("pk", flat=True)
        self._retry(request, list(chosen[: recycling.MOST_AT_ONCE]))

    send_again.short_description = "Send again"  # type: ignore[attr-defined]
    send_again.allowed_permissions = ("retry",)  # type: ignore[attr-defined]

    def retry_view(self, request: HttpRequest, message_id: int) -> HttpResponse:
        """Send one message again."""
        if not self.has_retry_permission(request):
            raise PermissionDenied("You may not send messages again.")
        self._retry(request, [message_id])
        return HttpResponseRedirect(self.page("change", message_id))

    def _retry(self, request: HttpRequest, ids: list[int]) -> None:
        rows = [{"Id": str(i), "Status": "PENDING"} for i in ids]
        context = context_of(request, "admin: send again")
        outcomes = records.update(self.schema.name, rows, context)
        done = sum(outcome.ok for outcome in outcomes)
        if done:
            self.message_user(request, f"{done} message{'s' if done > 1 else ''} will be sent.")
        for outcome in outcomes:
            for problem in outcome.problems:
                told = f"Message {outcome.id}: {problem.message}"
                self.message_user(request, told, messages.ERROR)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        failed = context["original"].status == "FAILED"
        context["may_retry"] = failed and self.has_retry_permission(request)
        context["retry_url"] = "../retry/"
        return super().render_change_form(request, context, *args, **kwargs)


#: Entity -> the class of its pages where that is not RecordAdmin.
SPECIAL: dict[str, type[RecordAdmin]] = {
    "USER": UserAdmin,
    "API_KEY": CredentialAdmin,
    "OAUTH_CLIENT": CredentialAdmin,
    "AUDIT_LOG": AuditLogAdmin,
    "OUTBOUND_MESSAGE": OutboundMessageAdmin,
    "BULK_API_REQUEST": BulkApiRequestAdmin,
    "BULK_UPLOAD_HISTORY": BulkUploadHistoryAdmin,
}
