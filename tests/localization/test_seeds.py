"""The reference data that every installation starts with."""

from zoneinfo import ZoneInfo

import pytest
from django.db import connection

from billing.customers.models import Account, AccountType
from billing.invoicing.models import InvoiceTemplate
from metabrm import seeding
from metabrm.localization import seeds
from metabrm.localization.models import Country, Currency, Language, TimeZone

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize(
    ("code", "name", "sign", "places"),
    [
        ("USD", "US Dollar", "$", 2),
        ("EUR", "Euro", "€", 2),
        ("JPY", "Japanese Yen", "¥", 0),
        ("KWD", "Kuwaiti Dinar", None, 3),
    ],
)
def test_currencies_have_their_iso_digits(
    code: str, name: str, sign: str | None, places: int
) -> None:
    currency = Currency.objects.get(currency_code=code)
    assert currency.currency_name == name
    assert currency.currency_sign == sign
    assert currency.decimal_places == places
    assert currency.cost_rounding_rule == currency.tax_cost_rounding_rule == "Math Round"


def test_countries_go_by_their_iso_codes() -> None:
    assert Country.objects.get(country_code="US").name == "United States"
    assert Country.objects.filter(alpha3_code=None).count() == 0


def test_time_zones_are_those_of_the_machine_and_keep_their_ids() -> None:
    assert TimeZone.objects.get(pk=351).name == "US/Central"
    assert TimeZone.objects.get(pk=351).canonical_name == "America/Chicago"
    for zone in TimeZone.objects.all():
        assert ZoneInfo(zone.name)
    assert {z.canonical_name for z in TimeZone.objects.all()} <= {
        z.name for z in TimeZone.objects.all()
    }


def test_the_well_known_records_are_there() -> None:
    assert AccountType.objects.get(pk=1).account_type == "ACCOUNT"
    assert Account.objects.get(pk=1).name == "Root Account"
    assert InvoiceTemplate.objects.get(name="Default Invoice Template").default_flag
    assert Language.objects.get(language_code="en").language_name == "English"


def test_planting_again_adds_nothing() -> None:
    assert seeding.plant() == 0


def test_what_was_changed_or_removed_stays_so() -> None:
    Currency.objects.filter(currency_code="USD").update(currency_sign="US$")
    Country.objects.filter(country_code="US").update(deleted_at="2026-01-01T00:00:00Z")
    assert seeds.load() == 0
    assert Currency.objects.get(currency_code="USD").currency_sign == "US$"
    assert Country.objects.get(country_code="US").deleted_at is not None


def test_ids_continue_after_the_planted_ones() -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('localization_timezone', 'id'))")
        assert cursor.fetchone()[0] > TimeZone.objects.order_by("-pk")[0].pk
