"""Who may see and do what in the admin; passwords."""

from django.test import Client

from billing.customers.models import Account
from metabrm.identity.models import Role, User


def test_strangers_are_asked_to_sign_in(db: None) -> None:
    answer = Client().get("/admin/", follow=True)
    assert answer.redirect_chain[-1][0].startswith("/admin/login/")
    assert "metabrm" in answer.text


def test_outsiders_do_not_get_in(db: None) -> None:
    role = Role.objects.create(name="Portal", internal_role=False, administrator_flag=True)
    user = User(username="customer", role=role)
    user.set_password("a-long-password-1")
    user.save()
    sent = {"username": "customer", "password": "a-long-password-1", "next": "/admin/"}
    # A wrong password and a right one that opens nothing here are told alike.
    for password in ("a-long-password-1", "another"):
        answer = Client().post("/admin/login/", {**sent, "password": password})
        assert answer.status_code == 200
        assert "is wrong, or the user may not sign in here." in answer.text


def test_a_role_without_rights_sees_an_explanation(limited) -> None:
    client = limited({})
    assert "nothing here for your role" in client.get("/admin/").text
    refused = client.get("/admin/customers/account/")
    assert refused.status_code == 403
    assert "You may not do this" in refused.text


def test_a_reader_reads_only(limited, page, make) -> None:
    record_id = make("ACCOUNT", Name="Blue Harbor Ltd")
    client = limited({"ACCOUNT": "r"}, {"ACCOUNT": ["Description"]})
    assert "Blue Harbor Ltd" in client.get(page("ACCOUNT")).text
    shown = client.get(page("ACCOUNT", record_id, "change"))
    assert "Blue Harbor Ltd" in shown.text
    assert "Anything worth knowing" not in shown.text
    assert not shown.context["adminform"].form.fields
    for method, parts in (
        ("get", ("add",)),
        ("post", (record_id, "change")),
        ("post", (record_id, "delete")),
        ("post", ("restore",)),
    ):
        assert getattr(client, method)(page("ACCOUNT", *parts)).status_code == 403
    assert client.get(page("PRODUCT")).status_code == 403
    assert client.get("/admin/lookup/CONTRACT/AccountId/").status_code == 403


def test_a_field_that_may_not_be_written_is_shown_only(limited, page, make) -> None:
    record_id = make("ACCOUNT", Name="Blue Harbor Ltd")
    client = limited({"ACCOUNT": "ru"}, {"ACCOUNT": ["Name"]})
    form = client.get(page("ACCOUNT", record_id, "change")).context["adminform"].form
    assert "Name" not in form.fields
    assert "Status" in form.fields
    client.post(page("ACCOUNT", record_id, "change"), {"Status": "CLOSED", "Name": "Mine"})
    account = Account.objects.get(pk=record_id)
    assert (account.name, account.status) == ("Blue Harbor Ltd", "CLOSED")


def test_a_password_is_set_and_never_shown(browser: Client, boss: User, page) -> None:
    user = User.objects.create(username="carol", role=boss.role)
    address = page("USER", user.pk, "password")
    assert f'href="{address}"' in browser.get(page("USER", user.pk, "change")).text
    refused = browser.post(
        address, {"password1": "1234", "password2": "1234", "usable_password": "true"}
    )
    assert "too short" in refused.text
    sent = {"password1": "Tall-ships-sail-7", "password2": "Tall-ships-sail-7"}
    browser.post(address, {**sent, "usable_password": "true"})
    user.refresh_from_db()
    assert user.check_password("Tall-ships-sail-7")
    assert user.password.startswith("argon2")
    for name in ("change", "history"):
        assert "argon2" not in browser.get(page("USER", user.pk, name)).text


def test_one_s_own_password(boss: User) -> None:
    boss.set_password("Tall-ships-sail-7")
    boss.save()
    client = Client()
    client.force_login(boss)
    sent = {"old_password": "Tall-ships-sail-7"} | dict.fromkeys(
        ("new_password1", "new_password2"), "Small-boats-row-9"
    )
    assert client.post("/admin/password_change/", sent).status_code == 302
    boss.refresh_from_db()
    assert boss.check_password("Small-boats-row-9")
    assert client.get("/admin/").status_code == 200


def test_what_is_not_there_is_said_kindly(browser: Client, page) -> None:
    missing = browser.get(page("ACCOUNT", 987654, "change"), follow=True)
    assert "There is no account with the Id 987654" in missing.text
    assert browser.get("/admin/nowhere/").status_code == 404
    assert "no such page" in browser.get("/admin/nowhere/").text


def test_nobody_takes_over_a_user_who_may_more(limited, page) -> None:
    client = limited({"USER": "ru", "ACCOUNT": "r"})
    strong = Role.objects.create(name="Above all", administrator_flag=True)
    other = Role.objects.create(name="Weaker")
    boss = User.objects.create(username="above", role=strong)
    peer = User.objects.create(username="below", role=other)
    assert client.get(page("USER", boss.pk, "password")).status_code == 403
    assert client.get(page("USER", peer.pk, "password")).status_code == 200
    from entities.models import Entity, EntityFieldRole

    EntityFieldRole.objects.create(
        role=other, entity=Entity.objects.get(entity_name="PRODUCT"), read_flag=True
    )
    assert client.get(page("USER", peer.pk, "password")).status_code == 403
    sent = {"password1": "Correct-horse-78", "password2": "Correct-horse-78"}
    assert client.post(page("USER", peer.pk, "password"), sent).status_code == 403


def test_a_name_that_may_not_be_read_stands_on_no_page(limited, page, make) -> None:
    parent = make("ACCOUNT", Name="Secret parent")
    child = make("ACCOUNT", Name="Secret child", ParentAccountId=parent)
    client = limited({"ACCOUNT": "rud", "AUDIT_LOG": "r"}, {"ACCOUNT": ["Name"]})
    addresses = [
        page("ACCOUNT"),
        page("ACCOUNT", "recycle-bin"),
        page("AUDIT_LOG"),
        *(page("ACCOUNT", child, name) for name in ("change", "history", "delete")),
        "/admin/",
        "/admin/lookup/ACCOUNT/ParentAccountId/",
    ]
    for address in addresses:
        assert "Secret" not in client.get(address, follow=True).text, address
    for typed in ("Secret", "parent"):
        found = client.get(page("ACCOUNT"), {"q": typed}).context["cl"].result_list
        assert not found, typed
    client.post(page("ACCOUNT", child, "delete"), {"confirmed": "1"})
    assert "Secret" not in client.get(page("ACCOUNT")).text
    assert "Secret" not in client.get(page("ACCOUNT", "recycle-bin")).text


def test_entries_of_the_audit_log_are_those_of_readable_entities(limited, page, make) -> None:
    make("PRODUCT", Name="Secret product")
    shown = limited({"ACCOUNT": "r", "AUDIT_LOG": "r"}).get(page("AUDIT_LOG"))
    assert "Secret product" not in shown.text
    kinds = {entry.entity_id for entry in shown.context["cl"].result_list}
    assert len(kinds) <= 1


def test_names_of_what_may_not_be_read_stay_out_of_lists(limited, page, make) -> None:
    account = make("ACCOUNT", Name="Secret owner")
    make(
        "CONTRACT",
        AccountId=account,
        ContractNumber="C-1",
        StartDate="2026-01-01",
        OnEndDate="TERMINATE",
    )
    client = limited({"CONTRACT": "r"})
    shown = client.get(page("CONTRACT"))
    assert "C-1" in shown.text
    assert "Secret owner" not in shown.text
    assert not client.get(page("CONTRACT"), {"q": "Secret"}).context["cl"].result_list
