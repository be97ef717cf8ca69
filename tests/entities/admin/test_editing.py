"""Edits, deletions and their undoing go through the verbs, which the history shows."""

from django.test import Client

from billing.customers.models import Account
from entities.models import AuditLog, EntityField
from entities.schema.current import current
from metabrm.identity.models import User


def _last(entity: str, record_id: int) -> AuditLog:
    found = AuditLog.objects.filter(
        entity_id=current().entity(entity).id, record_id=record_id
    ).first()
    assert found is not None
    return found


def _posted(response) -> dict[str, str]:
    """What a browser would send back of a form as it was shown."""
    form = response.context["adminform"].form
    sent = {}
    for bound in form:
        value = bound.value()
        if value is None or value is False:
            continue
        sent[bound.name] = "on" if value is True else str(value)
    return sent


def test_a_record_is_added_through_the_verb(browser: Client, page, boss: User) -> None:
    sent = _posted(browser.get(page("ACCOUNT", "add")))
    answer = browser.post(page("ACCOUNT", "add"), {**sent, "Name": "Blue Harbor Ltd"}, follow=True)
    account = Account.objects.get(name="Blue Harbor Ltd")
    assert "is added" in answer.text
    entry = _last("ACCOUNT", account.pk)
    assert (entry.action, entry.user_id, entry.reason) == ("CREATE", boss.pk, "admin: add account")
    assert entry.request_id


def test_only_what_was_changed_is_written(browser: Client, page, make, boss: User) -> None:
    record_id = make("ACCOUNT", Name="Blue Harbor Ltd", ParentAccountId="1", Description="a\nb")
    address = page("ACCOUNT", record_id, "change")
    sent = _posted(browser.get(address))
    browser.post(address, {**sent, "Status": "SUSPENDED", "ParentAccountId": ""})
    account = Account.objects.get(pk=record_id)
    assert (account.status, account.parent_account_id) == ("SUSPENDED", None)
    entry = _last("ACCOUNT", record_id)
    changed = {k for k in entry.before | entry.after if entry.before.get(k) != entry.after.get(k)}
    assert changed == {"status", "parent_account_id", "updated", "updated_user_id"}


def test_saving_without_a_change_writes_nothing(browser: Client, page, make) -> None:
    record_id = make("ACCOUNT", Name="Blue Harbor Ltd", Description="a\nb")
    address = page("ACCOUNT", record_id, "change")
    before = AuditLog.objects.count()
    sent = _posted(browser.get(address))
    assert browser.post(address, sent).status_code == 302
    assert AuditLog.objects.count() == before


def test_the_verb_s_message_stands_at_its_field(browser: Client, page, make) -> None:
    make("ACCOUNT", Name="First", ExternalKey="TAKEN")
    answer = browser.post(
        page("ACCOUNT", "add"),
        {"Name": "x" * 300, "ExternalKey": "TAKEN", "Status": "ASLEEP", "ParentAccountId": "99999"},
    )
    errors = answer.context["adminform"].form.errors
    assert "at most 255 fit" in str(errors["Name"])
    assert "use one of ACTIVE" in str(errors["Status"])
    assert Account.objects.filter(name="x" * 300).count() == 0
    answer = browser.post(page("ACCOUNT", "add"), {"ExternalKey": "TAKEN", "Name": "Second"})
    assert "ExternalKey" in answer.context["adminform"].form.errors
    answer = browser.post(page("ACCOUNT", "add"), {})
    assert "required" in str(answer.context["adminform"].form.errors["Name"])


def test_delete_and_undo(browser: Client, page, make, boss: User) -> None:
    record_id = make("ACCOUNT", Name="Blue Harbor Ltd")
    asked = browser.get(page("ACCOUNT", record_id, "delete"))
    assert "recycle bin" in asked.text
    done = browser.post(page("ACCOUNT", record_id, "delete"), {"confirmed": "1"}, follow=True)
    assert "Undo" in done.text
    assert (_last("ACCOUNT", record_id).action, _last("ACCOUNT", record_id).user_id) == (
        "DELETE",
        boss.pk,
    )
    gone = browser.get(page("ACCOUNT", record_id, "change"), follow=True)
    assert "lies in the recycle bin" in gone.text
    assert "Blue Harbor Ltd" in browser.get(page("ACCOUNT", "recycle-bin")).text
    back = browser.post(page("ACCOUNT", "restore"), {"id": record_id}, follow=True)
    assert "is back" in back.text
    assert _last("ACCOUNT", record_id).action == "UNDELETE"


def test_many_are_deleted_each_with_its_own_outcome(browser: Client, page, make) -> None:
    parent = make("ACCOUNT", Name="Parent")
    make("ACCOUNT", Name="Child", ParentAccountId=str(parent))
    alone = make("ACCOUNT", Name="Alone")
    sent = {"action": "delete_chosen", "_selected_action": [parent, alone]}
    assert "Delete 2 accounts?" in browser.post(page("ACCOUNT"), sent).text
    done = browser.post(page("ACCOUNT"), {**sent, "confirmed": "1"}, follow=True)
    assert "Account Alone is deleted" in done.text
    assert "Parent is not deleted" in done.text
    assert Account.objects.get(pk=parent).deleted_at is None


def test_purging_asks_first_and_is_for_good(browser: Client, page, make) -> None:
    record_id = make("ACCOUNT", Name="Blue Harbor Ltd")
    sent = {"id": record_id, "purge": "1"}
    browser.post(page("ACCOUNT", "recycle-bin"), {**sent, "confirmed": "1"})
    assert Account.objects.filter(pk=record_id).exists(), "only the recycle bin is purged"
    browser.post(page("ACCOUNT", record_id, "delete"), {"confirmed": "1"})
    assert "for good?" in browser.post(page("ACCOUNT", "recycle-bin"), sent).text
    browser.post(page("ACCOUNT", "recycle-bin"), {**sent, "confirmed": "1"})
    assert not Account.objects.filter(pk=record_id).exists()
    assert "PURGE" in browser.get(page("ACCOUNT", record_id, "history")).text


def test_the_history_is_readable(browser: Client, page, make) -> None:
    record_id = make("ACCOUNT", Name="Blue Harbor Ltd")
    address = page("ACCOUNT", record_id, "change")
    browser.post(address, {**_posted(browser.get(address)), "ParentAccountId": "1"})
    text = browser.get(page("ACCOUNT", record_id, "history")).text
    for said in ("boss", "admin: change account", "Parent account", "Root Account", "CREATE"):
        assert said in text


def test_related_records_are_counted_and_linked(browser: Client, page, make) -> None:
    record_id = make("ACCOUNT", Name="Parent")
    make("ACCOUNT", Name="Child", ParentAccountId=str(record_id))
    related = browser.get(page("ACCOUNT", record_id, "change")).context["related"]
    (children,) = [r for r in related if "parent" in r.by]
    assert children.count == 1
    assert "Child" in browser.get(children.url).text
    assert browser.get(children.add_url).context["adminform"].form[
        "ParentAccountId"
    ].value() == str(record_id)


def test_a_help_text_is_text_and_no_markup(browser: Client, page) -> None:
    EntityField.objects.filter(external_key="ACCOUNT.Name").update(
        help_content_short="<b onclick=alert(1)>Bold</b>"
    )
    shown = browser.get(page("ACCOUNT", "add")).text
    assert "&lt;b onclick=alert(1)&gt;Bold" in shown
    assert "<b onclick" not in shown
