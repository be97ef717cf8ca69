"""Bulk jobs in the browser: how far they are, their files, a button that ends them."""

from collections.abc import Callable

import pytest
from django.test import Client

from entities.models.bulk import BulkApiBatch, BulkApiRequest
from metabrm.identity.context import Context
from metabrm.identity.models import Role, User
from tests.entities.bulk.acting import ask, extract, load, request
from tests.entities.bulk.test_extract import MINE, accounts
from tests.entities.bulk.test_load import HEAD

pytestmark = pytest.mark.django_db
REQUESTS = "/admin/entities/bulkapirequest/"
UPLOADS = "/admin/entities/bulkuploadhistory/"


def browser(context: Context) -> Client:
    Role.objects.filter(pk=context.role_id).update(internal_role=True)
    client = Client()
    client.force_login(User.objects.get(pk=context.user_id))
    return client


def test_a_job_shows_how_far_it_is_and_is_ended_by_a_button(ada: Context) -> None:
    number = ask(ada, f"SELECT Id {MINE}")
    BulkApiRequest.objects.filter(pk=number).update(status="RUNNING", progress=37)
    client = browser(ada)
    assert 'value="37"' in client.get(REQUESTS).content.decode()
    page = client.get(f"{REQUESTS}{number}/change/").content.decode()
    assert 'hx-trigger="every 2s"' in page and f"{REQUESTS}{number}/cancel/" in page
    assert 'value="37"' in client.get(f"{REQUESTS}{number}/state/").content.decode()
    client.post(f"{REQUESTS}{number}/cancel/")
    assert request(number).status == "CANCELLED"
    assert "hx-trigger" not in client.get(f"{REQUESTS}{number}/state/").content.decode()


def test_files_and_errors_are_shown(ada: Context) -> None:
    accounts(ada, 2)
    client = browser(ada)
    done = extract(ada, f"SELECT Id {MINE}")
    for page in (REQUESTS, f"{REQUESTS}{done.pk}/change/"):
        assert "Test.json" in client.get(page).content.decode()
    batch = BulkApiBatch.objects.get(bulk_api_request=done)
    saved = client.get(f"/admin/entities/bulkapibatch/{batch.pk}/file/BatchFile/")
    assert saved.content.startswith(b'{"queryResponse":[{"Id":')
    loaded = load(ada, HEAD + "A,1,bulk-a\r\nB,1\r\n", EntityName="ACCOUNT")
    for page in (UPLOADS, f"{UPLOADS}{loaded.pk}/change/"):
        assert f"rejected-{loaded.pk}.csv" in client.get(page).content.decode()
    failed = load(ada, "Nam\nA\n", EntityName="ACCOUNT")
    assert "did you mean Name" in client.get(f"{UPLOADS}{failed.pk}/change/").content.decode()


def test_others_jobs_are_not_there(ada: Context, person: Callable[..., Context]) -> None:
    number = ask(ada, f"SELECT Id {MINE}")
    client = browser(person(ACCOUNT="R"))
    assert client.get(f"{REQUESTS}{number}/state/").status_code == 403
    client.post(f"{REQUESTS}{number}/cancel/")
    assert request(number).status == "PENDING"
