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
from django.utils import timezone
from django.utils.dateparse import parse_datetime
from django.utils.formats import date_format

from billing.mediation.models import Activity
from billing.rating.forms import of_record, of_text
from billing.rating.parameters import id_of
from billing.rating.rerating import asked
from billing.rating.rerating.correcting import as_it_is, said_by
from billing.rating.rerating.telling import Line, Result, Total, money
from entities.admin.callers import context_of, rights_on
from entities.admin.display import record_url
from entities.admin.offered import Page
from entities.admin.titles import titles
from entities.errors import RequestError
from entities.fieldtypes.numbers import plain
from entities.schema.snapshot import Snapshot

if TYPE_CHECKING:
    from entities.admin.site import RecordSite

#: Parameter -> label, entity, the lookup by whose right its records are found (or what a text
#: is), help.
_WANTED = {
    "AccountId": ("Account", "ACCOUNT", "ACTIVITY/AccountId", ""),
    "ProductId": ("Product", "PRODUCT", "ACTIVITY/ProductId", ""),
    "PricingId": (
        "Price",
        "PRICING",
        "ACTIVITY/PricingId",
        "Lines whose price came from where this price hangs; of a product's price those at the "
        "product's default price.",
    ),
    "PricingPlanId": (
        "Pricing plan",
        "PRICING_PLAN",
        "PRICING/MainPricingPlanId",
        "Lines that this plan priced.",
    ),
    "AccountProductId": ("Account product", "ACCOUNT_PRODUCT", "ACTIVITY/AccountProductId", ""),
    "LoadId": (
        "Usage load",
        "ACTIVITY_COLLECTOR_HISTORY",
        "ACTIVITY/ActivityCollectorHistoryId",
        "",
    ),
    "InvoiceId": ("Invoice", "INVOICE", "ACTIVITY/InvoiceId", "Only while it is CURRENT."),
    "From": ("From", "", "date", "The first day, in UTC."),
    "Until": ("Until", "", "date", "The last day, in UTC."),
}
_LINE = {
    "ActivityId": (
        "Line",
        "",
        "text",
        "The Id of an activity. Its page has a button that leads here, too.",
    ),
}
_CORRECTED = {
    "ActivityId": ("Line", "", "hidden", ""),
    "Quantity": ("Right quantity", "", "text", "It says {quantity}."),
    "ActivityDate": ("Right moment", "", "datetime-local", "It says {moment} ({zone})."),
    "ProductId": ("Right product", "PRODUCT", "ACTIVITY/ProductId", ""),
    "AccountProductId": (
        "Right account product",
        "ACCOUNT_PRODUCT",
        "ACTIVITY/AccountProductId",
        "It says of which account and product.",
    ),
    "Rate": ("Price per unit", "", "text", "In place of that of the price book."),
    "Cost": ("Amount", "", "text", "In place of what the price book comes to."),
    "Withdraw": ("Nothing was used", "", "flag", "Leave the others empty then."),
}
_Asked = Mapping[str, tuple[str, str, str, str]]


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
        "something else are taken back and written anew. Say which lines, by any of these; the "
        "preview changes nothing.",
        "button": "Re-rate",
    }
    return _page(site, request, _WANTED, words, preview, do)


def correct_page(site: "RecordSite", request: HttpRequest) -> HttpResponse:
    """What correcting a line comes to; the button does it."""

    def do(sent: dict[str, str]) -> HttpResponse:
        told = asked.corrected(_in_zone(sent), context_of(request, "admin: correct a line"))
        was = int(sent["ActivityId"])
        made = Activity.objects.filter(rerated_from=was, deleted_at=None).order_by("pk").last()
        if told.changed:
            lines = "1 line was" if told.changed == 1 else f"{told.changed:,} lines were"
            now = "This is what stands now" if made else "Nothing replaces it"
            messages.success(request, f"{lines} taken back. {now}.")
        else:
            messages.info(request, "Nothing was changed: the line says so already.")
        shown = made.pk if made else was
        return HttpResponseRedirect(record_url(site.snapshot.entity("ACTIVITY"), shown))

    def preview(sent: dict[str, str]) -> Result | None:
        if sent.keys() == {"ActivityId"}:
            return None
        return asked.corrected({**_in_zone(sent), "Preview": "1"}, context_of(request))

    words = {
        "title": "Correct a line",
        "about": "A line of usage that was wrong is taken back and written anew as it should have "
        "been, with all that is added up with it. If it stands on a closed invoice it stays there; "
        "what takes it back and what replaces it come on the next. Fill in only what was wrong; "
        "the preview changes nothing.",
        "button": "Correct",
    }
    try:
        given = request.POST if request.method == "POST" else request.GET
        id = id_of({"ActivityId": given.get("ActivityId", "").strip() or "0"}, "ActivityId")
        line = as_it_is(id) if id else None
    except RequestError as error:
        return _page(site, request, _LINE, {**words, "wrong": error.message}, _nothing, do)
    if line is None:
        return _page(site, request, _LINE, words, _nothing, do)
    says = {
        "quantity": plain(said_by(line, "quantity")),
        "moment": date_format(timezone.localtime(line.activity_date), "Y-m-d H:i:s"),
        "zone": timezone.get_current_timezone_name(),
    }
    fields = {
        name: (label, entity, how, text.format(**says))
        for name, (label, entity, how, text) in _CORRECTED.items()
    }
    return _page(site, request, fields, words, preview, do, facts=_facts(site, line, says))


def _nothing(sent: dict[str, str]) -> None:
    """There is no line to be corrected."""


def _in_zone(sent: dict[str, str]) -> dict[str, str]:
    """A moment is typed as the page shows moments: in the zone of whoever looks."""
    try:
        moment = parse_datetime(sent.get("ActivityDate", ""))
    except ValueError:
        # There is no such day; whoever reads it says so.
        moment = None
    if moment is None or moment.tzinfo:
        return sent
    return {**sent, "ActivityDate": timezone.make_aware(moment).isoformat()}


def _facts(
    site: "RecordSite", line: Activity, says: Mapping[str, str]
) -> list[tuple[str, str, str]]:
    """Label, text and address of what the line says now."""
    facts = [("Line", str(line.pk), record_url(site.snapshot.entity("ACTIVITY"), line.pk))]
    for label, entity, id in (
        ("Account", "ACCOUNT", line.account_id),
        ("Product", "PRODUCT", line.product_id),
        ("Account product", "ACCOUNT_PRODUCT", line.account_product_id),
        ("Invoice", "INVOICE", line.invoice_id),
    ):
        if id is not None:
            facts.append((label, *_named(site, entity, [id])(id)))
    facts += [("Moment", says["moment"], ""), ("Quantity", says["quantity"], "")]
    if line.rate is not None:
        facts.append(("Price per unit", plain(line.rate), ""))
    if line.rated_amount is not None:
        facts.append(("Amount", f"{money(line.rated_amount)} {line.currency_id or ''}", ""))
    return facts


def _page(
    site: "RecordSite",
    request: HttpRequest,
    fields: _Asked,
    words: Mapping[str, str],
    preview: Callable[[dict[str, str]], Result | None],
    do: Callable[[dict[str, str]], HttpResponse],
    **more: Any,
) -> HttpResponse:
    given = request.POST if request.method == "POST" else request.GET
    sent = {name: text for name in fields if (text := given.get(name, "").strip())}
    told, wrong = None, words.get("wrong")
    try:
        if sent and not wrong:
            if request.method == "POST":
                return do(sent)
            told = preview(sent)
    except RequestError as error:
        wrong = error.message
    context = {
        **site.each_context(request),
        **words,
        **more,
        "form": _form(site, request, fields, sent),
        "sent": sent,
        "wrong": wrong,
        "told": told and _readable(site, told),
    }
    return render(request, "rating/rerate.html", context)


def _form(
    site: "RecordSite",
    request: HttpRequest,
    fields: _Asked,
    sent: Mapping[str, str],
) -> forms.Form:
    form = forms.Form(initial=dict(sent), auto_id="ask_%s")
    for name, (label, entity, how, says) in fields.items():
        widget: forms.Widget | None
        if entity:
            widget = of_record(site, request, entity, how, sent.get(name, ""))
        elif how == "flag":
            widget = forms.Select(choices=[("", "No"), ("1", "Yes: only take it back")])
            widget.attrs["class"] = "brm-input"
        elif how == "hidden":
            widget = forms.HiddenInput()
        else:
            widget = of_text(how)
            widget.attrs["step"] = "1"
        if widget is not None:
            form.fields[name] = forms.CharField(
                label=label, widget=widget, required=False, help_text=says
            )
    return form


def _readable(site: "RecordSite", told: Result) -> dict[str, Any]:
    """The result with names and addresses of its records, and amounts as people read them."""
    lines: list[Total | Line] = [*told.totals, *told.page]
    accounts = _named(site, "ACCOUNT", (one.account_id for one in lines))
    products = _named(site, "PRODUCT", (one.product_id for one in lines))
    invoices = _named(site, "INVOICE", (one.invoice_id for one in told.totals))
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
                "invoice": invoices(one.invoice_id),
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


def _named(
    site: "RecordSite", entity: str, ids: Iterable[int | None]
) -> Callable[[int | None], tuple[str, str]]:
    """What records are called, and their addresses; of those that the user may not see the Ids."""
    schema = site.snapshot.entity(entity)
    known = titles(site.snapshot, schema, ids)

    def told(id: int | None) -> tuple[str, str]:
        if id is None:
            return "", ""
        return (known[id][1], record_url(schema, id)) if id in known else (str(id), "")

    return told


RERATE = Page(
    name="rerate",
    address="rerate/",
    title="Re-rate",
    icon="currency_exchange",
    room="Rating",
    usable=usable,
    view=rerate_page,
    about={"PRICING": "PricingId", "PRICING_PLAN": "PricingPlanId", "PRODUCT": "ProductId"},
)
CORRECT = Page(
    name="correct_line",
    address="correct-line/",
    title="Correct a line",
    icon="edit_note",
    room="Rating",
    usable=usable,
    view=correct_page,
    about={"ACTIVITY": "ActivityId"},
    link="Correct",
)
