"""Changing, deleting and undeleting: what an integrator does after the first load.

The changes fit the data files: an account product without an end, a company of a reseller. Loading
the files moves the company back, so the demo can be played again.
"""

from collections.abc import Callable
from typing import Any

from billingplatform import BillingPlatform
from billingplatform.exceptions import BillingPlatform404Exception

from metabrm.demo.integrator import Tally, all_done, elements, expect, rows, surprises, timed
from metabrm.demo.telling import Telling

ENDED_PRODUCT = "halvorsen-logistics-engineering-backup"
LAST_DAY = "2027-12-31"
MOVED_ACCOUNT = "juniper-analytics"
NEW_PARENT = "gulfline-telecom-services"
PARENT = (
    "SELECT Name, ParentAccountIdObj.Name, ParentAccountIdObj.ExternalKey FROM ACCOUNT"
    " WHERE Id = {id}"
)
HISTORY = (
    "SELECT Action, Username, Before, After FROM AUDIT_LOG"
    " WHERE EntityName = 'ACCOUNT' AND RecordId = {id} ORDER BY Id DESC FETCH NEXT 1 ROWS ONLY"
)
PASSERS_BY = ("demo-passer-by-1", "demo-passer-by-2", "demo-passer-by-3")


def change(client: BillingPlatform, telling: Telling) -> None:
    """End a product, move an account, create, delete, undelete; raises Surprise at anything odd."""
    telling.step("Change some records, delete some, bring one back")
    tallies: dict[str, Tally] = {}
    said: list[str] = []
    _end_product(client, tallies, said)
    _move_account(client, tallies, said)
    _delete_and_undelete(client, tallies, said)
    telling.tallies("request", tallies)
    for text in said:
        telling.check(text)


def _end_product(client: BillingPlatform, tallies: dict[str, Tally], said: list[str]) -> None:
    product = _one(client, "ACCOUNT_PRODUCT", ENDED_PRODUCT)
    record = {"Id": product["Id"], "EndDate": LAST_DAY}
    tallies["PUT ACCOUNT_PRODUCT"] = _updated(
        "PUT ACCOUNT_PRODUCT", lambda: client.update("ACCOUNT_PRODUCT", [record])
    )
    ended = _one(client, "ACCOUNT_PRODUCT", ENDED_PRODUCT)
    expect(
        ended["EndDate"] == LAST_DAY and ended["StartDate"] == product["StartDate"],
        f"{ENDED_PRODUCT} was to end on {LAST_DAY} and nothing else to change: {ended}",
    )
    said.append(f"{ENDED_PRODUCT} ends on {ended['EndDate']}")


def _move_account(client: BillingPlatform, tallies: dict[str, Tally], said: list[str]) -> None:
    account = _one(client, "ACCOUNT", MOVED_ACCOUNT)
    record = {"Id": account["Id"], "ParentAccountIdObj": {"ExternalKey": NEW_PARENT}}
    tallies["PUT ACCOUNT"] = _updated("PUT ACCOUNT", lambda: client.update("ACCOUNT", [record]))
    moved = rows(client, PARENT.format(id=account["Id"]))[0]
    expect(
        moved["ParentAccountIdObj.ExternalKey"] == NEW_PARENT,
        f"{MOVED_ACCOUNT} was to be moved below {NEW_PARENT}: {moved}",
    )
    said.append(f"{moved['Name']} is now below {moved['ParentAccountIdObj.Name']}")
    history = rows(client, HISTORY.format(id=account["Id"]))[0]
    expect(
        history["Action"] == "UPDATE"
        and history["Before"]["ParentAccountId"] != history["After"]["ParentAccountId"],
        f"the history of {MOVED_ACCOUNT} should tell of the move: {history}",
    )
    said.append(
        f"its history says that {history['Username']} changed ParentAccountId from"
        f" {history['Before']['ParentAccountId']} to {history['After']['ParentAccountId']}"
    )


def _delete_and_undelete(
    client: BillingPlatform, tallies: dict[str, Tally], said: list[str]
) -> None:
    """Three accounts that come and go, so that no record of the data files is missing after."""
    new = [{"ExternalKey": key, "Name": f"Passer-by {key[-1]}"} for key in PASSERS_BY]
    where = "PATCH ACCOUNT"
    with surprises(where):
        answer, seconds = timed(lambda: client.upsert("ACCOUNT", new, "ExternalKey"))
    ids = all_done(answer, "upsertResponse", len(new), where)
    created = sum(o["created"] == "true" for o in elements(answer, "upsertResponse", 3, where))
    tallies[where] = Tally(len(new), created, len(new) - created, 0, seconds)

    back, *gone = [{"Id": id} for id in ids]
    tallies["DELETE ACCOUNT"] = _done(
        "DELETE ACCOUNT", "deleteResponse", 3, lambda: client.delete("ACCOUNT", [back, *gone])
    )
    expect(not _passers_by(client), "the deleted accounts can still be queried")
    tallies["undelete ACCOUNT"] = _done(
        "undelete ACCOUNT", "undeleteResponse", 1, lambda: client.undelete("ACCOUNT", [back])
    )
    found = _passers_by(client)
    expect(
        [row["Id"] for row in found] == [back["Id"]],
        f"account {back['Id']} alone was undeleted, but there are: {found}",
    )
    tallies["DELETE ACCOUNT for good"] = _done(
        "DELETE ACCOUNT for good",
        "deleteResponse",
        1,
        lambda: client.delete("ACCOUNT", [back], EmptyRecycleBin=True),
    )
    expect(not _passers_by(client), "the account deleted for good can still be queried")
    said.append(
        "3 accounts went to the recycle bin, 1 of them came back and was then deleted for good"
    )


def _updated(where: str, call: Callable[[], Any]) -> Tally:
    tally = _done(where, "updateResponse", 1, call)
    tally.updated = tally.records
    return tally


def _done(where: str, name: str, count: int, call: Callable[[], Any]) -> Tally:
    with surprises(where):
        answer, seconds = timed(call)
    all_done(answer, name, count, where)
    return Tally(records=count, seconds=seconds)


def _one(client: BillingPlatform, entity: str, key: str) -> dict[str, Any]:
    """The whole record with that external key."""
    condition = f"ExternalKey = '{key}'"
    with surprises(f"GET {entity} where {condition}"):
        found = client.retrieve_by_query(entity, condition)["retrieveResponse"]
    expect(len(found) == 1, f"{len(found)} {entity} records have the ExternalKey {key}")
    record: dict[str, Any] = found[0]
    return record


def _passers_by(client: BillingPlatform) -> list[dict[str, Any]]:
    """What of the passers-by can be seen; none is a 404, as the client's own paging expects."""
    condition = "ExternalKey LIKE 'demo-passer-by-%'"
    with surprises(f"GET ACCOUNT where {condition}"):
        try:
            answer = client.retrieve_by_query("ACCOUNT", condition)
        except BillingPlatform404Exception:
            return []
    found: list[dict[str, Any]] = answer["retrieveResponse"]
    return found
