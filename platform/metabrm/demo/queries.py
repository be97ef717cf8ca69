"""Asking: counts, paths along relations, pages to the end, whole records by a condition."""

from billingplatform import BillingPlatform

from metabrm.demo.integrator import count, expect, rows, surprises, timed
from metabrm.demo.telling import Telling

PAGE = 250
PATHS = (
    "SELECT Name, ParentAccountIdObj.Name AS Partner,"
    " ParentAccountIdObj.ParentAccountIdObj.Name AS Region FROM ACCOUNT"
    " WHERE ParentAccountIdObj.AccountTypeIdObj.AccountType = 'RESELLER'"
    " ORDER BY Name FETCH NEXT 5 ROWS ONLY"
)
PAGED = "SELECT Id, Name, StartDate, AccountIdObj.Name FROM ACCOUNT_PRODUCT ORDER BY Id"
CONDITION = "BillingCycle = 'MONTHLY' AND CurrencyCode = 'EUR' AND MonthlyBillingDate >= 15"
TIERS = "SELECT Name, Rate FROM PRODUCT WHERE ExternalKey = 'cloud-storage'"


def ask(client: BillingPlatform, entities: list[str], telling: Telling) -> None:
    """Count, follow relations, page, retrieve; raises Surprise where answers don't fit together."""
    telling.step("Ask")
    (counts, seconds) = timed(lambda: {entity: count(client, entity) for entity in entities})
    _tell_counts(telling, counts)
    telling.line(f"({len(counts)} queries, {seconds * 1000:,.0f} ms)\n")

    found, seconds = timed(lambda: rows(client, PATHS))
    telling.line(f"{PATHS}\n({len(found)} rows, {seconds * 1000:,.0f} ms)")
    header = ("Name", "Partner", "Region")
    expect(len(found) == 5, f"five accounts of resellers were expected: {found}")
    telling.table(header, [[row[name] for name in header] for row in found])

    tiers = rows(client, TIERS)[0]
    telling.line(f"\n{TIERS}")
    telling.line(f"  {tiers['Name']}: {tiers['Rate'].replace('<br/>', '  ')}\n")

    _page_to_the_end(client, counts["ACCOUNT_PRODUCT"], telling)
    with surprises(f"GET BILLING_PROFILE where {CONDITION}"):
        answer, seconds = timed(lambda: client.retrieve_by_query("BILLING_PROFILE", CONDITION))
    whole = answer["retrieveResponse"]
    expect(
        all(row["CurrencyCode"] == "EUR" and row["BillingCycle"] == "MONTHLY" for row in whole),
        f"GET BILLING_PROFILE where {CONDITION} gave others too",
    )
    telling.check(
        f"queryAnsiSql {CONDITION}: {len(whole)} whole billing profiles of {len(whole[0])} fields,"
        f" {seconds * 1000:,.0f} ms"
    )


def _tell_counts(telling: Telling, counts: dict[str, int]) -> None:
    """The counts in three columns side by side."""
    cells = [(entity, f"{number:,}") for entity, number in counts.items()]
    third = -(-len(cells) // 3)
    columns = [cells[:third], cells[third : 2 * third], cells[2 * third :]]
    lines = [
        [cell for column in columns for cell in (column[i] if i < len(column) else ("", ""))]
        for i in range(third)
    ]
    telling.table(("entity", "count") * 3, lines)


def _page_to_the_end(client: BillingPlatform, expected: int, telling: Telling) -> None:
    def read() -> list[list[str]]:
        with surprises(f"pages of {PAGED}"):
            pages = client.page_query(PAGED, page_size=PAGE)
            return [[row["Id"] for row in page["queryResponse"]] for page in pages]

    pages, seconds = timed(read)
    ids = [id for page in pages for id in page]
    expect(
        len(ids) == len(set(ids)) == expected,
        f"{expected} account products in pages of {PAGE}: {len(ids)} came,"
        f" {len(set(ids))} distinct",
    )
    telling.check(
        f"page_query read {len(ids):,} account products in {len(pages)} pages of {PAGE}, each once,"
        f" {seconds * 1000:,.0f} ms"
    )
