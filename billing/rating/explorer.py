"""The admin's price explorer: pick an account, a product, a day and a quantity, see why.

It asks what /rating/explain asks, as the user who looks at it. The question stands in the page's
address, so that it can be sent to a colleague, who sees what he may see.
"""

from typing import TYPE_CHECKING, Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from billing.rating.forms import of_record, of_text
from billing.rating.questions import answered
from entities.admin.callers import context_of, rights_on
from entities.admin.display import record_url
from entities.admin.offered import Page
from entities.errors import RequestError
from entities.schema.snapshot import Snapshot

if TYPE_CHECKING:
    from entities.admin.site import RecordSite

#: Parameter -> its entity, and the lookup by whose right its records are found.
_RECORDS = {
    "AccountId": ("ACCOUNT", "ACCOUNT/ParentAccountId"),
    "ProductId": ("PRODUCT", "PRICING/ProductId"),
    "AccountProductId": ("ACCOUNT_PRODUCT", "PRICING/AccountProductId"),
    "PackageProductId": ("PACKAGE_PRODUCT", "PRICING/PackageProductId"),
    "OriginationCountryCodeId": ("COUNTRY_CODE", "COUNTRY_CODE_MAP/OriginationCountryCodeId"),
    "DestinationCountryCodeId": ("COUNTRY_CODE", "COUNTRY_CODE_MAP/DestinationCountryCodeId"),
}
#: Parameter -> label, help; in the order of the form.
_ASKED = {
    "AccountId": ("Account", ""),
    "ProductId": ("Product", ""),
    "AccountProductId": ("Or account product", "It says whose and of what it is."),
    "Quantity": ("Quantity", "Empty: that of the account product, or 1."),
    "Day": ("Day", "Empty: today."),
    "PackageProductId": ("Package product", "The product's place in a package."),
    "Before": ("Used before", "What the sum over tiers had reached. Empty: nothing."),
    "CurrencyCode": ("Currency", "Empty: that of whoever pays."),
    "OriginationCountryCodeId": ("From", "Where the usage comes from."),
    "DestinationCountryCodeId": ("To", "Where it goes to."),
    "ChargeType": ("Charge type", "Where prices between locations are for one."),
}
#: Those that are seldom asked for.
_RARE = (
    "PackageProductId",
    "Before",
    "CurrencyCode",
    "OriginationCountryCodeId",
    "DestinationCountryCodeId",
    "ChargeType",
)
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
    form = _form(site, request, sent, told)
    shown = told and _with_links(site.snapshot, told)
    context = {
        **site.each_context(request),
        "title": "Price explorer",
        "about": "Which price counts for an account's product on a day, every price that was "
        "considered, and how the amount comes about. Pick an account and a product, or an account "
        "product.",
        "form": form,
        "usual": [form[name] for name in form.fields if name not in _RARE],
        "rare": [form[name] for name in form.fields if name in _RARE],
        "rare_asked": any(
            form[name].value() not in (None, "", "0")
            for name in _RARE
            if name != "CurrencyCode" and name in form.fields
        ),
        "told": shown,
        "candidates": shown and [_candidate(one) for one in shown["Candidates"]],
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
    form = forms.Form(initial=initial, auto_id="ask_%s")
    for name, (label, says) in _ASKED.items():
        widget = _widget(site, request, name, initial.get(name, ""))
        if widget is not None:
            form.fields[name] = forms.CharField(
                label=label, widget=widget, required=False, help_text=says
            )
    return form


def _widget(site: "RecordSite", request: HttpRequest, name: str, value: str) -> forms.Widget | None:
    """What a parameter is asked by, `value` chosen; None where the user may not know of it."""
    if name not in _RECORDS:
        return of_text("date" if name == "Day" else "text")
    return of_record(site, request, *_RECORDS[name], value)


def _candidate(one: dict[str, Any]) -> dict[str, Any]:
    """A candidate with what the page shows beside it."""
    return one | {
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
    about={"ACTIVITY": "ActivityId"},
    link="Explain",
)
