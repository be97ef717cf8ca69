"""What destroys or takes something is named with how much it touches, and waits to be allowed."""

import pytest

from entities import transfer
from metabrm.identity.context import Context
from metabrm.identity.models import Role, User
from tests.entities.acting import create_one

pytestmark = pytest.mark.django_db

FORM = """\
metabrm: {{format: 1}}
entities:
  PROMO:
    {entity}
    fields:
      Code: {{DataType: TEXT, DataLength: 30{field}}}
      Price: {price}
      Kind: {{DataType: LIST, values: [A, B]}}
    keys: {{Pair: {{FieldNames: '{key}'}}}}
roles:
  Sales:
    {role}
    rights: {{PROMO: {{{right}}}}}
sharing_groups:
  Team: {{{group}, rules: {{T1: {{Entity: PROMO, Formula: "{{!Code}} = 'x'", {access}}}}}}}
"""
BEFORE = {
    "entity": "RetentionDays: 30",
    "field": ", PIIFlag: true",
    "price": "{DataType: DECIMAL, DataLength: '10,2'}",
    "key": "Code, Price",
    "role": "AdministratorFlag: true",
    "right": "ReadFlag: true, CreateFlag: true",
    "group": "Status: ACTIVE",
    "access": "AccessLevel: WRITE",
}


def form(**other: str) -> str:
    return FORM.format(**BEFORE | other)


@pytest.fixture
def shop(admin: Context) -> Context:
    report = transfer.carry_out(form(), admin)
    assert report.applied, list(map(str, report.faults))
    for price in ("1.5", "2.5", None):
        create_one("PROMO", admin, Code="A", **({"Price": price} if price else {}))
    User.objects.create(username="seller", role=Role.objects.get(name="Sales"))
    return admin


@pytest.mark.parametrize(
    ("part", "becomes", "says"),
    [
        ("entity", "RetentionDays: 3", "entity PROMO: deleted records are purged sooner (3 aff"),
        ("entity", "RecycleBinFlag: false", "entity PROMO: deleted records are gone at once"),
        ("entity", "HistoryFlag: false", "entity PROMO: changes are no longer kept"),
        ("entity", "ApiEnabled: false", "entity PROMO: its API is closed"),
        ("entity", "HistoryRetentionDays: 9", "entity PROMO: older history is removed"),
        ("price", "{DataType: TEXT}", "PROMO.Price: its values are converted (2 affected)"),
        (
            "price",
            "{DataType: DECIMAL, DataLength: '9,2'}",
            "field PROMO.Price: it holds less than before (2 affected)",
        ),
        (
            "price",
            "{DataType: DECIMAL, DataLength: '10,1'}",
            "field PROMO.Price: it holds less than before (2 affected)",
        ),
        (
            "price",
            "{DataType: DECIMAL, DataLength: '10,3'}",
            "field PROMO.Price: it holds less than before (2 affected)",
        ),
        ("field", ", Status: HIDDEN, PIIFlag: true", "PROMO.Code: it is served nowhere (3 aff"),
        ("field", "", "field PROMO.Code: its values are shown to everybody who may read it (3"),
        ("field", ", PIIFlag: true, ApiAccessableFlag: false", "it is no longer in the API"),
        ("key", "Code, Kind", "key PROMO.Pair: it is deleted and made anew"),
        ("role", "AdministratorFlag: false", "role Sales: its users lose their rights (1 affect"),
        ("role", "{Status: DEACTIVATED, AdministratorFlag: true}", "its users can't sign in (1"),
        ("right", "ReadFlag: true", "right Sales.PROMO: a right is taken away (1 affected)"),
        ("group", "Status: DEACTIVATED", "sharing group Team: its users lose access (0 affected)"),
        ("access", "AccessLevel: READ", "sharing rule Team.T1: its users may only read (0 aff"),
    ],
)
def test_what_is_destructive_is_refused_unless_asked(
    shop: Context, part: str, becomes: str, says: str
) -> None:
    text = form(**{part: becomes})
    if becomes.startswith("{Status"):
        text = text.replace(becomes, becomes[1:-1].replace(", ", "\n    "))
    before = transfer.export(shop)
    refused = transfer.carry_out(text, shop)
    assert not refused.applied
    assert any(says in str(fault) for fault in refused.faults), list(map(str, refused.faults))
    assert transfer.export(shop) == before


@pytest.mark.parametrize(
    ("part", "becomes"),
    [
        ("entity", "RetentionDays: 60"),
        ("price", "{DataType: DECIMAL, DataLength: '12,2'}"),
        ("price", "{DataType: DECIMAL, DataLength: '12,3'}"),
        ("right", "ReadFlag: true, CreateFlag: true, DeleteFlag: true"),
        ("field", ", PIIFlag: true, SearchableFlag: true"),
    ],
)
def test_what_takes_nothing_is_just_done(shop: Context, part: str, becomes: str) -> None:
    report = transfer.carry_out(form(**{part: becomes}), shop)
    assert report.applied
    assert report.changes
    assert not report.dangerous


def test_records_that_would_not_survive_are_in_the_way_even_if_allowed(shop: Context) -> None:
    create_one("PROMO", shop, Code="far too long for it")
    text = form().replace("DataLength: 30", "DataLength: 5")
    report = transfer.carry_out(text, shop, destructive=True)
    (fault,) = map(str, report.faults)
    assert fault.startswith("line 6, column 30: field PROMO.Code: 1 PROMO record has a Code")
    assert not report.applied
