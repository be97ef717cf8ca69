"""Deleting, the recycle bin, and back: through the verbs, each record with its own outcome."""

from typing import TYPE_CHECKING, Any

from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.core.paginator import Page
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.middleware.csrf import get_token
from django.utils.html import format_html, format_html_join

from entities import records
from entities.admin.callers import context_of, rights_on
from entities.admin.sizes import CappedPaginator, counts
from entities.admin.titles import titles
from entities.errors import Problem, RequestError
from entities.models import Entity
from entities.records import Outcome
from entities.schema.description import quote
from metabrm.identity.models import User

if TYPE_CHECKING:
    from entities.admin.pages import RecordAdmin

MOST_AT_ONCE = 1000
_MOST_NAMED = 10
_CAP = 1000

_WHAT_HAPPENS = {
    "CASCADE": "go along",
    "SET_NULL": "stay and no longer point here",
    "RESTRICT": "must be deleted or changed first",
}


def delete_page(admin: "RecordAdmin", request: HttpRequest, ids: list[int]) -> HttpResponse:
    """Ask before deleting; once confirmed, delete and offer to undo."""
    if request.POST.get("confirmed"):
        return _delete(admin, request, ids)
    named = _named(admin, ids)
    consequences = _consequences(admin, request, ids)
    return admin.render(
        request,
        "delete.html",
        {
            "title": f"Delete {_some(admin, ids, named)}?",
            "named": named[:_MOST_NAMED],
            "more": max(0, len(ids) - _MOST_NAMED),
            "ids": ids,
            "bulk": "action" in request.POST,
            "checkbox": ACTION_CHECKBOX_NAME,
            "consequences": consequences,
            "blocked": len(ids) == 1 and any(c["rule"] == "RESTRICT" for c in consequences),
            "bin": admin.keeps_deleted(),
            "back_url": admin.page("change", ids[0]) if len(ids) == 1 else admin.page("changelist"),
        },
    )


def _delete(admin: "RecordAdmin", request: HttpRequest, ids: list[int]) -> HttpResponse:
    named = dict(_named(admin, ids))
    outcomes = _through(records.delete, admin, request, ids, "admin: delete")
    done = [i for i, outcome in zip(ids, outcomes, strict=True) if outcome.ok]
    if done:
        what = _some(admin, done, [(i, named[i]) for i in done])
        said = format_html("{} {} deleted.", what, "is" if len(done) == 1 else "are")
        if admin.keeps_deleted():
            said = format_html("{} {}", said, _undo_button(admin, request, done))
        admin.message_user(request, said)
    _tell_problems(admin, request, ids, outcomes, named, "not deleted")
    failed_one = len(ids) == 1 and not done
    return HttpResponseRedirect(
        admin.page("change", ids[0]) if failed_one else admin.page("changelist")
    )


def restore(admin: "RecordAdmin", request: HttpRequest) -> HttpResponse:
    """Bring the posted records back: the Undo of a deletion, and the recycle bin's button."""
    ids = _posted(request)
    if not ids:
        return HttpResponseRedirect(admin.page("bin"))
    named = dict(_named(admin, ids))
    outcomes = _through(records.undelete, admin, request, ids, "admin: restore")
    done = [i for i, outcome in zip(ids, outcomes, strict=True) if outcome.ok]
    if done:
        what = _some(admin, done, [(i, named[i]) for i in done])
        admin.message_user(request, f"{what} {'is' if len(done) == 1 else 'are'} back.")
    _tell_problems(admin, request, ids, outcomes, named, "not restored")
    if len(done) == 1:
        return HttpResponseRedirect(admin.page("change", done[0]))
    return HttpResponseRedirect(admin.page("changelist" if done else "bin"))


def bin_page(admin: "RecordAdmin", request: HttpRequest) -> HttpResponse:
    """The recycle bin of an entity: what lies there, since when, who put it there."""
    if not admin.keeps_deleted():
        return HttpResponseRedirect(admin.page("changelist"))
    may = admin.has_delete_permission(request)
    ids = _posted(request)
    purging = request.method == "POST" and "purge" in request.POST and may
    if purging and ids and request.POST.get("confirmed"):
        return _purge(admin, request, ids)
    listed = admin.seen(request).filter(deleted_at__isnull=False)
    page = CappedPaginator(listed.order_by("-deleted_at", "-pk"), 50).get_page(
        request.GET.get("p", 1)
    )
    keep = Entity.objects.filter(pk=admin.schema.id).values_list("retention_days", flat=True)
    return admin.render(
        request,
        "bin.html",
        {
            "title": f"Recycle bin: {admin.schema.label_plural}",
            "page": page,
            "rows": _rows(admin, page),
            "may": may,
            "days": keep.first(),
            "purging": _named(admin, ids) if purging else [],
            "restore_url": admin.page("restore"),
        },
    )


def _purge(admin: "RecordAdmin", request: HttpRequest, ids: list[int]) -> HttpResponse:
    named = dict(_named(admin, ids))
    deleted = set(
        admin.seen(request)
        .filter(pk__in=ids, deleted_at__isnull=False)
        .values_list("pk", flat=True)
    )
    ids = [i for i in ids if i in deleted]
    outcomes = _through(records.delete, admin, request, ids, "admin: purge", permanently=True)
    done = [i for i, outcome in zip(ids, outcomes, strict=True) if outcome.ok]
    if done:
        what = _some(admin, done, [(i, named[i]) for i in done])
        admin.message_user(request, f"{what} {'is' if len(done) == 1 else 'are'} gone for good.")
    _tell_problems(admin, request, ids, outcomes, named, "not purged")
    return HttpResponseRedirect(admin.page("bin"))


def gone(admin: "RecordAdmin", request: HttpRequest, object_id: str) -> HttpResponse:
    """Say what became of a record that is not there, and where one can look for it."""
    label = admin.schema.label
    deleted = (
        admin.keeps_deleted()
        and object_id.isdecimal()
        and len(object_id) < 19
        and admin.seen(request).filter(pk=int(object_id), deleted_at__isnull=False).exists()
    )
    if deleted:
        said = format_html(
            '{} {} lies in the recycle bin. {} <a class="underline" href="{}">What happened?</a>',
            label,
            object_id,
            _undo_button(admin, request, [int(object_id)], "Restore it"),
            admin.page("history", object_id),
        )
    else:
        said = format_html("There is no {} with the Id {}.", admin.schema.noun, object_id)
    admin.message_user(request, said, messages.WARNING)
    return HttpResponseRedirect(admin.page("changelist"))


def _through(
    verb: Any, admin: "RecordAdmin", request: HttpRequest, ids: list[int], why: str, **more: Any
) -> list[Outcome]:
    context = context_of(request, f"{why} {admin.schema.noun}")
    try:
        return verb(admin.schema.name, ids, context, **more)
    except RequestError as error:
        return [Outcome(i, (Problem(error.code, "", error.message),)) for i in ids]


def _posted(request: HttpRequest) -> list[int]:
    if request.method != "POST":
        return []
    sent = [i for i in request.POST.getlist("id") if i.isascii() and i.isdecimal() and len(i) < 19]
    return list(dict.fromkeys(map(int, sent)))[:MOST_AT_ONCE]


def _named(admin: "RecordAdmin", ids: list[int]) -> list[tuple[int, str]]:
    found = titles(admin.snapshot, admin.schema, ids)
    return [(i, found[i][1] if i in found else f"{admin.schema.label} {i}") for i in ids]


def _some(admin: "RecordAdmin", ids: list[int], named: list[tuple[int, str]]) -> str:
    """`Account Acme` or `3 accounts`."""
    if len(ids) != 1:
        return f"{len(ids)} {admin.schema.label_plural}"
    title = named[0][1]
    return title if title.startswith(admin.schema.label) else f"{admin.schema.label} {title}"


def _undo_button(
    admin: "RecordAdmin", request: HttpRequest, ids: list[int], text: str = "Undo"
) -> str:
    inputs = format_html_join("", '<input type="hidden" name="id" value="{}">', ((i,) for i in ids))
    return format_html(
        '<form method="post" action="{}" class="brm-inline"><input type="hidden" '
        'name="csrfmiddlewaretoken" value="{}">{}<button class="brm-undo">{}</button></form>',
        admin.page("restore"),
        get_token(request),
        inputs,
        text,
    )


def _tell_problems(
    admin: "RecordAdmin",
    request: HttpRequest,
    ids: list[int],
    outcomes: list[Outcome],
    named: dict[int, str],
    what: str,
) -> None:
    failed = [(i, o) for i, o in zip(ids, outcomes, strict=True) if not o.ok]
    for record_id, outcome in failed[:_MOST_NAMED]:
        why = " ".join(problem.message for problem in outcome.problems)
        admin.message_user(request, f"{named[record_id]} is {what}: {why}", messages.ERROR)
    if len(failed) > _MOST_NAMED:
        admin.message_user(request, f"{len(failed) - _MOST_NAMED} more are {what}.", messages.ERROR)


def _consequences(
    admin: "RecordAdmin", request: HttpRequest, ids: list[int]
) -> list[dict[str, Any]]:
    """What points to the records, and what deleting does to it, as far as it is one step away and
    the user sees it."""
    links = [
        (child, field)
        for child, field in admin.snapshot.references(admin.schema)
        if field.lookup is not None and field.lookup.on_delete and child.writable
    ]
    subjects = []
    for child, field in links:
        assert field.lookup is not None
        alive = "r.deleted_at IS NULL AND " if child.authored else ""
        pointed = (
            f"(SELECT p.{quote(field.lookup.column)} FROM {quote(admin.schema.table)} p "
            f"WHERE p.id = ANY(%s))"
        )
        seen = rights_on(request, admin.snapshot, child).where("r")
        subjects.append((child, f"{alive}{field.sql('r')} IN {pointed} {seen}", [ids]))
    found = counts(subjects, _CAP)
    return [
        {
            "count": count,
            "label": child.label_plural if count != 1 else child.noun,
            "by": field.label,
            "rule": field.lookup.on_delete if field.lookup else "",
            "happens": _WHAT_HAPPENS[field.lookup.on_delete if field.lookup else ""],
        }
        for (child, field), count in zip(links, found, strict=True)
        if count
    ]


def _rows(admin: "RecordAdmin", page: Page) -> list[dict[str, Any]]:
    found = list(page.object_list)
    named = titles(admin.snapshot, admin.schema, [r.pk for r in found])
    by = {r.pk: getattr(r, "updated_user_id", None) for r in found}
    authors = User.objects.in_bulk({author for author in by.values() if author})
    return [
        {
            "id": record.pk,
            "title": named[record.pk][1],
            "deleted_at": record.deleted_at,
            "by": authors.get(by[record.pk]),
            "history_url": admin.page("history", record.pk),
        }
        for record in found
    ]


def bin_counts(
    request: HttpRequest, admins: list["RecordAdmin"], cap: int = _CAP
) -> list[int | None]:
    """How many records of each entity the user finds in the recycle bin, in one query."""
    return counts(
        [
            (a.schema, f"r.deleted_at IS NOT NULL {a.rights(request).where('r')}", [])
            for a in admins
        ],
        cap,
    )
