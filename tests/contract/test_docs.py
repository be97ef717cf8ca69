"""The documentation in the browser: who may read it, what it shows, and that its programs run."""

import html
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.contract.calls import Caller
from tests.contract.live import PASSWORD, USERNAME, Live
from tests.patience import STUCK

#: Entities of several rooms, one of which needs records of others first; CUSTOM stands for one that
#: is made at run time.
ENTITIES = ["ACCOUNT", "ACCOUNT_CONTACT_TYPE", "AUDIT_LOG", "CUSTOM"]


def site(live: Live) -> str:
    return live.url.rpartition("/")[0]


@pytest.fixture(scope="module")
def reader(live: Live) -> Iterator[requests.Session]:
    """The administrator's browser."""
    http = requests.Session()
    form = http.get(f"{site(live)}/admin/login/", params={"next": "/docs/"})
    token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form.text)
    assert token is not None
    sent = {"username": USERNAME, "password": PASSWORD, "csrfmiddlewaretoken": token[1]}
    done = http.post(f"{site(live)}/admin/login/?next=/docs/", data=sent)
    assert (done.status_code, done.url) == (200, f"{site(live)}/docs/")
    yield http
    http.close()


@pytest.fixture(scope="module")
def custom(admin: Caller) -> str:
    """An entity made at run time, with a key, a list and a lookup that it can't do without."""
    name = "DOCS_EXAMPLE"
    admin.create("ENTITY", {"EntityName": name, "EntityLabel": "Docs <example>"})
    of = {"EntityIdObj": {"EntityName": name}}
    fields = [
        {"FieldName": "Code", "DataType": "TEXT", "DataLength": "40", "ExternalKeyFlag": "1"},
        {"FieldName": "Tier", "DataType": "LIST"},
        {
            "FieldName": "CurrencyId",
            "DataType": "LOOKUP",
            "ReferencedEntityIdObj": {"EntityName": "CURRENCY"},
            "RequiredFlag": "1",
        },
    ]
    done = admin.write("POST", "ENTITY_FIELD", [{**of, **field} for field in fields])
    assert all(element["success"] for element in done), done
    tier = {"EntityFieldIdObj": {"ExternalKey": f"{name}.Tier"}, "ListValue": "GOLD & more"}
    admin.create("ENTITY_FIELD_VALUES", tier)
    return name


@pytest.mark.parametrize("page", ["", "ACCOUNT/", "swagger/", "redoc/", "openapi.json"])
def test_nobody_reads_without_signing_in(live: Live, page: str) -> None:
    answer = requests.get(f"{site(live)}/docs/{page}")
    assert answer.status_code == 401
    assert f'href="/admin/login/?next=/docs/{page}"' in answer.text
    assert "ACCOUNT" not in answer.text.replace(f"/docs/{page}", "")


def test_an_api_session_is_given_only_to_a_form_of_ours(
    live: Live, reader: requests.Session, admin: Caller
) -> None:
    address = f"{site(live)}/docs/session"
    assert requests.post(address).status_code == 403
    assert reader.post(address).status_code == 403
    assert reader.get(address).status_code == 405
    # Who may call the API is not signed in to the browser's pages by that.
    assert requests.post(address, headers=dict(admin.http.headers)).status_code == 403
    page = reader.get(f"{site(live)}/docs/swagger/").text
    token = re.search(r'data-token="([^"]+)"', page)
    assert token is not None
    given = reader.post(address, headers={"X-CSRFToken": token[1]})
    caller = Caller(live.url, requests.Session())
    caller.http.headers["sessionid"] = given.json()["SessionID"]
    assert caller.query("SELECT Id FROM ROLE")
    assert given.headers["Cache-Control"] == "no-store"


def test_pages_bring_no_script_of_others_and_say_so(live: Live, reader: requests.Session) -> None:
    for page in ("", "ACCOUNT/", "swagger/", "redoc/?entity=ACCOUNT"):
        answer = reader.get(f"{site(live)}/docs/{page}")
        policy = answer.headers["Content-Security-Policy"]
        assert "default-src 'none'; script-src 'self';" in policy
        assert "unsafe-inline" not in policy.partition("style-src")[0]
        assert not re.search(r"<script(?![^>]*\ssrc=)|\son[a-z]+=|<style", answer.text), page
        found = re.findall(r'(?:src|rel="stylesheet" href)="([^"]+)"', answer.text)
        assert found
        for asset in found:
            assert asset.startswith("/static/")
            assert requests.get(site(live) + asset).status_code == 200, asset


def test_every_entity_of_the_reader_has_its_page(
    live: Live, reader: requests.Session, admin: Caller, custom: str
) -> None:
    served = {tag["name"] for tag in admin.send("GET", "openapi.json").json()["tags"]}
    home = reader.get(f"{site(live)}/docs/").text
    names = set(re.findall(r'href="/docs/([A-Za-z_0-9]+)/"', home)) - {"swagger", "redoc"}
    assert names == served - {"Signing in", "Queries"}
    assert custom in names
    page = reader.get(f"{site(live)}/docs/{custom.lower()}/").text
    assert "Docs &lt;example&gt;" in page and "Docs <example>" not in page
    assert "GOLD &amp; more" in page
    for at in ("verbs", "fields", "programs", "bodies"):
        assert f'<h2 id="{at}">' in page
    unknown = reader.get(f"{site(live)}/docs/ACOUNT/")
    assert unknown.status_code == 404
    assert "Did you mean ACCOUNT?" in unknown.text


def test_the_readers_document_is_the_api_s_own(
    live: Live, reader: requests.Session, admin: Caller
) -> None:
    for query in ("", "?entity=ACCOUNT"):
        theirs = reader.get(f"{site(live)}/docs/openapi.json{query}")
        ours = admin.send("GET", f"openapi.json{query}")
        assert theirs.content == ours.content
        known = {"If-None-Match": ours.headers["ETag"]}
        again = reader.get(f"{site(live)}/docs/openapi.json{query}", headers=known)
        assert again.status_code == 304


@pytest.mark.parametrize("name", ENTITIES)
def test_the_programs_of_an_entity_run(
    live: Live, reader: requests.Session, admin: Caller, custom: str, tmp_path: Path, name: str
) -> None:
    entity = custom if name == "CUSTOM" else name
    page = reader.get(f"{site(live)}/docs/{entity}/").text
    found = re.findall(r'class="sample" data-language="(\w+)">(.*?)</code>', page, re.DOTALL)
    assert [language for language, _ in found] == ["python", "python", "sh"]
    before = admin.query(f"SELECT COUNT(*) AS N FROM {entity}")
    who = {"BRM_URL": live.url, "BRM_USER": USERNAME, "BRM_PASSWORD": PASSWORD}
    for language, text in found:
        command = [sys.executable] if language == "python" else ["bash", "-eu"]
        program = tmp_path / "program"
        program.write_text(html.unescape(text))
        done = subprocess.run(
            [*command, str(program)],
            env={**os.environ, **who},
            capture_output=True,
            text=True,
            timeout=STUCK,
        )
        assert (done.returncode, done.stderr) == (0, ""), html.unescape(text)
        assert '"ErrorCode":"0"' in done.stdout or language == "python"
        assert '"error"' not in done.stdout
        assert done.stdout.startswith("made ") or language == "sh" or name == "AUDIT_LOG"
    if name != "AUDIT_LOG":
        assert admin.query(f"SELECT COUNT(*) AS N FROM {entity}") == before
