"""The admin's price explorer: pick an account, a product, a day and a quantity, see why.

It asks what /rating/explain asks, as the user who looks at it. The question stands in the page's
address, so that it can be sent to a colleague, who sees what he may see.
"""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from unfold.widgets import UnfoldAdminTextInputWidget

from billing.rating.questions import PARAMETERS, answered
from entities.admin.callers import context_of, rights_on
from entities.admin.display import record_url
from entities.admin.offered import Page
from entities.admin.titles import titles
from entities.admin.widgets import LookupSelect
from entities.errors import RequestError
from entities.schema.snapshot import Snapshot

if TYPE_CHECKING:
    from entities.admin.site import RecordSite

#: Parameter -> label, entity, and the lookup by whose right its records are found.
_RECORDS = {
    "AccountId": ("Account", "ACCOUNT", "ACCOUNT/ParentAccountId"),
    "ProductId": ("Product", "PRODUCT", "PRICING/ProductId"),
    "AccountProductId": ("or account product", "ACCOUNT_PRODUCT", "PRICING/AccountProductId"),
    "PackageProductId": ("Package product", "PACKAGE_PRODUCT", "PRICING/PackageProductId"),
}
_TEXTS = {"Quantity": "Quantity", "Day": "Day", "Before": "Used before", "CurrencyCode": "Currency"}
_ICONS = {"won": "check_circle", "lost": "keyboard_double_arrow_down", "refused": "block"}
_BADGES = {"won": "good", "lost": "plain", "refused": "bad", "no price": "waiting"}


def usable(request: HttpRequest, snapshot: Snapshot) -> bool:
    """Whether the user may read what every explanation tells."""
    return all(
        rights_on(request, snapshot, snapshot.entity(name)).read
        for name in ("PRICING", "ACCOUNT", "PRODUCT")
    )


def page(site: "RecordSite", request: HttpRequest) -> HttpResponse:
    """The form and, where something is asked, the answer."""
    sent = {name: text for name, value in request.GET.items() if (text := str(value).strip())}
    told, wrong = None, None
    if sent:
        try:
            told = answered(sent, context_of(request), site.snapshot)
        except RequestError as error:
            wrong = error.message
    context = {
        **site.each_context(request),
        "title": "Price explorer",
        "form": _form(site, request, sent, told),
        "told": told and _with_links(site.snapshot, told),
        "candidates": told and [_candidate(site.snapshot, one) for one in told["Candidates"]],
        "wrong": wrong,
    }
    return render(request, "rating/explorer.html", context)


def _form(site: "RecordSite", request: HttpRequest, sent: dict[str, str], told: Any) -> forms.Form:
    """The question's form, filled with what was asked; for a line, with what it says."""
    initial = dict(sent)
    if told is not None and "ActivityId" in sent:
        names = ("Quantity", "Day", "Before", "CurrencyCode", "AccountProductId")
        initial = {name: told[name] or "" for name in names}
        for name, record in (("AccountId", told["Account"]), ("ProductId", told["Product"])):
            initial[name] = record["Id"] if record else ""
    fields: dict[str, forms.Field] = {}
    for name, (label, entity, lookup) in _RECORDS.items():
        schema = site.snapshot.entity(entity)
        if not rights_on(request, site.snapshot, schema).read:
            continue
        widget = LookupSelect(f"{site.root}lookup/{lookup}/", clearable=True)
        value = initial.get(name, "")
        known = (
            titles(site.snapshot, schema, [int(value)])
            if value.isascii() and value.isdecimal() and len(value) < 19
            else {}
        )
        widget.choices = [("", ""), *((str(id), title) for id, title in known.values())]
        fields[name] = forms.CharField(
            label=label, widget=widget, required=False, help_text=PARAMETERS[name]
        )
    for name, label in _TEXTS.items():
        text = UnfoldAdminTextInputWidget(attrs={"autocomplete": "off"})
        if name == "Day":
            text.input_type = "date"
        fields[name] = forms.CharField(
            label=label, widget=text, required=False, help_text=PARAMETERS[name]
        )
    form = forms.Form(initial=initial, auto_id="ask_%s")
    form.fields.update(fields)
    return form


def _candidate(snapshot: Snapshot, one: dict[str, Any]) -> dict[str, Any]:
    """A candidate with what the page shows beside it."""
    linked: dict[str, Any] = _with_links(snapshot, one)
    return linked | {
        "Icon": _ICONS.get(one["Status"], "money_off"),
        "Badge": _BADGES[one["Status"]],
        "Won": one["Status"] == "won",
    }


def _with_links(snapshot: Snapshot, told: Any) -> Any:
    """The same with the address of its page beside every record that has one."""
    if isinstance(told, list):
        return [_with_links(snapshot, one) for one in told]
    if not isinstance(told, dict):
        return told
    linked = {name: _with_links(snapshot, value) for name, value in told.items()}
    if "Entity" in told and "Id" in told:
        linked["Url"] = record_url(snapshot.entity(told["Entity"]), int(told["Id"]))
    return linked


PAGE = Page(
    name="price_explorer",
    address="price-explorer/",
    title="Price explorer",
    icon="account_tree",
    room="Rating",
    usable=usable,
    view=page,
    about=("ACTIVITY",),
)
