"""The admin's pages to rate lines again, and to correct one: first what it comes to, then a button.

They ask what /rating/rerate and /rating/correct ask, as the user who looks at them. The question
stands in the page's address; the button sends it once more, to be done.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render

from billing.catalog.bands import plain
from billing.rating.forms import of_record, of_text
from billing.rating.rerating import asked
from billing.rating.rerating.telling import Result, money
from entities.admin.callers import context_of, rights_on
from entities.admin.display import record_url
from entities.admin.offered import Page
from entities.admin.titles import titles
from entities.errors import RequestError
from entities.schema.snapshot import Snapshot

if TYPE_CHECKING:
    from entities.admin.site import RecordSite

#: Parameter -> label, entity, and the lookup by whose right its records are found.
_WANTED = {
    "AccountId": ("Account", "ACCOUNT", "ACTIVITY/AccountId"),
    "ProductId": ("Product", "PRODUCT", "ACTIVITY/ProductId"),
    "PricingId": ("Price", "PRICING", "ACTIVITY/PricingId"),
    "PricingPlanId": ("Pricing plan", "PRICING_PLAN", "PRICING/MainPricingPlanId"),
    "AccountProductId": ("Account product", "ACCOUNT_PRODUCT", "ACTIVITY/AccountProductId"),
    "LoadId": ("Load", "ACTIVITY_COLLECTOR_HISTORY", "ACTIVITY/ActivityCollectorHistoryId"),
    "InvoiceId": ("Invoice", "INVOICE", "ACTIVITY/InvoiceId"),
    "From": ("From", "", "date"),
    "Until": ("Until", "", "date"),
}
_CORRECTED = {
    "ActivityId": ("Line", "", "text"),
    "Quantity": ("Right quantity", "", "text"),
    "ActivityDate": ("Right moment", "", "text"),
    "ProductId": ("Right product", "PRODUCT", "ACTIVITY/ProductId"),
    "AccountProductId": ("Right account product", "ACCOUNT_PRODUCT", "ACTIVITY/AccountProductId"),
    "Rate": ("Price per unit instead", "", "text"),
    "Cost": ("Amount instead", "", "text"),
    "Withdraw": ("Nothing was used", "", "flag"),
}
_Asked = Mapping[str, tuple[str, str, str]]


def usable(request: HttpRequest, snapshot: Snapshot) -> bool:
    """Whether the user may rate lines again."""
    return asked.may(rights_on(request, snapshot, snapshot.entity("ACTIVITY")))


def rerate_page(site: "RecordSite", request: HttpRequest) -> HttpResponse:
    """What rating the wanted lines again comes to; the button has a worker do it."""

    def do(sent: dict[str, str]) -> HttpResponse:
        _, run = asked.rerated(sent, context_of(request, "admin: re-rate"))
        messages.success(request, "A worker rates the lines again; this tells how far it has come.")
        return HttpResponseRedirect(record_url(site.snapshot.entity("RERATE"), run or 0))

    def preview(sent: dict[str, str]) -> Result | None:
        return asked.rerated({**sent, "Preview": "1"}, context_of(request))[0]

    words = {
        "title": "Re-rate",
        "about": "Usage and recurring charges on no invoice yet, or on an open one, are priced "
        "again at the prices of now, with all that is added up with them. Lines that cost "
        "something else are taken back and written anew.",
        "button": "Re-rate",
    }
    return _page(site, request, _WANTED, asked.PARAMETERS, words, preview, do)


def correct_page(site: "RecordSite", request: HttpRequest) -> HttpResponse:
    """What correcting a line comes to; the button does it."""

    def do(sent: dict[str, str]) -> HttpResponse:
        told = asked.corrected(sent, context_of(request, "admin: correct a line"))
        messages.success(
            request, f"{told.changed} lines were taken back." if told.changed else "It was right."
        )
        line = int(sent["ActivityId"])
        return HttpResponseRedirect(record_url(site.snapshot.entity("ACTIVITY"), line))

    def preview(sent: dict[str, str]) -> Result | None:
        if sent.keys() == {"ActivityId"}:
            return None
        return asked.corrected({**sent, "Preview": "1"}, context_of(request))

    words = {
        "title": "Correct a line",
        "about": "A line of usage that was wrong is taken back and written anew as it should have "
        "been, with all that is added up with it. If it stands on a closed invoice it stays there; "
        "what takes it back and what replaces it come on the next. Fill in only what was wrong.",
        "button": "Correct",
    }
    return _page(site, request, _CORRECTED, asked.CORRECTIONS, words, preview, do)


def _page(
    site: "RecordSite",
    request: HttpRequest,
    fields: _Asked,
    says: Mapping[str, str],
    words: Mapping[str, str],
    preview: Callable[[dict[str, str]], Result | None],
    do: Callable[[dict[str, str]], HttpResponse],
) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    sent = {name: text for name in fields if (text := given.get(name, "").strip())}
    told, wrong = None, None
    try:
        if sent and request.method == "POST":
            return do(sent)
        if sent:
            told = preview(sent)
    except RequestError as error:
        wrong = error.message
    context = {
        **site.each_context(request),
        **words,
        "form": _form(site, request, fields, says, sent),
        "sent": sent,
        "wrong": wrong,
        "told": told and _readable(site, request, told),
    }
    return render(request, "rating/rerate.html", context)


def _form(
    site: "RecordSite",
    request: HttpRequest,
    fields: _Asked,
    says: Mapping[str, str],
    sent: Mapping[str, str],
) -> forms.Form:
    form = forms.Form(initial=dict(sent), auto_id="ask_%s")
    for name, (label, entity, how) in fields.items():
        widget: forms.Widget | None
        if entity:
            widget = of_record(site, request, entity, how, sent.get(name, ""))
        elif how == "flag":
            widget = forms.Select(choices=[("", "No"), ("1", "Yes: only take it back")])
            widget.attrs["class"] = "brm-select"
        else:
            widget = of_text(how)
        if widget is not None:
            form.fields[name] = forms.CharField(
                label=label, widget=widget, required=False, help_text=says[name]
            )
    return form


def _readable(site: "RecordSite", request: HttpRequest, told: Result) -> dict[str, Any]:
    """The result with names and addresses of its records, and amounts as people read them."""
    accounts = _names(site, request, "ACCOUNT", (one.account_id for one in told.totals))
    products = _names(site, request, "PRODUCT", (one.product_id for one in told.totals))
    activity = site.snapshot.entity("ACTIVITY")
    return {
        "lines": told.lines,
        "changed": told.changed,
        "unpriced": told.unpriced,
        "amounts": [
            (one.currency_code, one.lines, money(one.old), money(one.new), money(one.difference))
            for one in told.amounts
        ],
        "totals": [
            {
                "account": accounts(one.account_id),
                "product": products(one.product_id),
                "invoice": one.invoice_id,
                "currency": one.currency_code,
                "lines": one.lines,
                "old": money(one.old),
                "new": money(one.new),
                "difference": money(one.difference),
            }
            for one in told.totals
        ],
        "page": [
            {
                "id": one.id,
                "url": record_url(activity, one.id),
                "account": accounts(one.account_id),
                "product": products(one.product_id),
                "date": one.activity_date,
                "old_quantity": plain(one.old_quantity),
                "new_quantity": "" if one.new_quantity is None else plain(one.new_quantity),
                "old": "" if one.old is None else money(one.old),
                "new": "" if one.new is None else money(one.new),
                "currency": one.new_currency or one.old_currency,
            }
            for one in told.page
        ],
        "reasons": [
            {"id": id, "url": record_url(activity, id), "reason": reason}
            for id, reason in told.reasons[:20]
        ],
    }


def _names(
    site: "RecordSite", request: HttpRequest, entity: str, ids: Iterable[int | None]
) -> Callable[[int | None], str]:
    """What records are called; by their Ids where the user may not see all of them."""
    schema = site.snapshot.entity(entity)
    granted = rights_on(request, site.snapshot, schema)
    known: dict[Any, tuple[int, str]] = {}
    if granted.read and not granted.condition and schema.title in granted.known:
        known = titles(site.snapshot, schema, sorted({i for i in ids if i is not None}))
    named = dict(known.values())
    return lambda id: "" if id is None else named.get(id, str(id))


RERATE = Page(
    name="rerate",
    address="rerate/",
    title="Re-rate",
    icon="currency_exchange",
    room="Rating",
    usable=usable,
    view=rerate_page,
    about=("PRICING", "PRICING_PLAN", "PRODUCT"),
)
CORRECT = Page(
    name="correct_line",
    address="correct-line/",
    title="Correct a line",
    icon="edit_note",
    room="Rating",
    usable=usable,
    view=correct_page,
    about=("ACTIVITY",),
)
