"""PRIVATE records in the admin: what is not seen has no page, what is only read has no form."""

from collections.abc import Callable
from typing import Any

import pytest
from django.test import Client

from entities import records
from entities.schema.current import current
from metabrm.identity.context import Context
from metabrm.identity.models import User

pytestmark = pytest.mark.django_db


@pytest.fixture
def offer(make: Callable[..., int]) -> dict[str, int]:
    """PRIVATE offers of the platform: one shared to be read, one to be changed, one not at all."""
    entity = make("ENTITY", EntityName="OFFER", EntityLabel="Offer", SharingModel="PRIVATE")
    make("ENTITY_FIELD", EntityId=entity, FieldName="Name", DataType="TEXT")
    return {name: make("OFFER", Name=f"{name} offer") for name in ("read", "write", "hidden")}


@pytest.fixture
def clerk(
    limited: Callable[..., Client], make: Callable[..., int], offer: dict[str, int]
) -> Client:
    client = limited({"OFFER": "crud", "AUDIT_LOG": "r"})
    group = make("SHARING_GROUP", Name="Readers")
    make("SHARING_GROUP_USER", SharingGroupId=group, UserId=User.objects.get(username="clerk").pk)
    for level in ("read", "write"):
        make(
            "SHARING_GROUP_RULE",
            SharingGroupId=group,
            EntityId=current().entity("OFFER").id,
            ExternalKey=level,
            Formula=f"{{!Name}} = '{level} offer'",
            AccessLevel=level.upper(),
        )
    return client


def test_each_record_has_the_page_that_it_is_shared_for(
    clerk: Client, offer: dict[str, int], page: Any
) -> None:
    listed = clerk.get(page("OFFER")).text
    assert "read offer" in listed and "write offer" in listed and "hidden offer" not in listed
    fields = {
        name: clerk.get(page("OFFER", offer[name], "change")).context["adminform"].form.fields
        for name in ("read", "write")
    }
    assert not fields["read"] and "Name" in fields["write"]
    assert clerk.get(page("OFFER", offer["read"], "delete")).status_code == 403
    for parts in ((offer["hidden"], "change"), (offer["hidden"], "history")):
        hidden = clerk.get(page("OFFER", *parts), follow=True).text
        nowhere = clerk.get(page("OFFER", 999999, parts[1]), follow=True).text
        assert f"There is no offer with the Id {offer['hidden']}." in hidden
        assert "There is no offer with the Id 999999." in nowhere
        assert "hidden offer" not in hidden


def test_a_change_may_take_a_record_out_of_sight(
    clerk: Client, offer: dict[str, int], page: Any
) -> None:
    sent = {"Name": "moved away"}
    answer = clerk.post(page("OFFER", offer["write"], "change"), sent, follow=True)
    assert answer.status_code == 200
    assert "is saved" in answer.text
    assert "moved away" not in clerk.get(page("OFFER")).text


def test_the_recycle_bin_and_the_overview_count_what_is_seen(
    clerk: Client, offer: dict[str, int], page: Any
) -> None:
    ids = [offer["hidden"], offer["write"]]
    assert all(o.ok for o in records.delete("OFFER", ids, Context.system("test")))
    shown = clerk.get(page("OFFER", "recycle-bin")).text
    assert "write offer" in shown and "hidden offer" not in shown
    overview = clerk.get("/admin/")
    (tile,) = [t for _, tiles in overview.context["rooms"] for t in tiles if t["label"] == "Offers"]
    assert tile["count"] == 1
    assert [entry["count"] for entry in overview.context["recycled"]] == [1]
    assert "hidden offer" not in overview.text


def test_only_administrators_sign_in_as_others_where_records_are_private(
    limited: Callable[..., Client], make: Callable[..., int], page: Any, offer: dict[str, int]
) -> None:
    client = limited({"USER": "ru"})
    other = User.objects.create(username="other", role=User.objects.get(username="clerk").role)
    refused = client.get(page("USER", other.pk, "password"))
    assert refused.status_code == 403
    entity = {"Id": current().entity("OFFER").id, "SharingModel": "PUBLIC"}
    assert records.update("ENTITY", [entity], Context.system("test"))[0].ok
    assert client.get(page("USER", other.pk, "password")).status_code == 200


def test_the_designer_offers_the_sharing_model(browser: Client, offer: dict[str, int]) -> None:
    shown = browser.get("/admin/designer/new/").text
    assert 'name="SharingModel"' in shown
    assert "only who made it, the sharing groups whose rules select it" in shown
