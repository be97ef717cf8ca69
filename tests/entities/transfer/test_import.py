"""A document becomes the system's configuration: created, changed, renamed, removed, or refused."""

import re
from typing import Any

import orjson
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from entities import query, records, transfer
from entities.errors import RequestError
from entities.models import (
    AuditLog,
    Entity,
    EntityField,
    SchemaChange,
    WorkflowAction,
    WorkflowRule,
)
from entities.schema.current import current
from entities.transfer import Report, telling
from metabrm.identity.context import Context
from metabrm.identity.models import Role
from tests.contract.live import ROOT
from tests.entities.acting import create_one

pytestmark = pytest.mark.django_db

HEAD = "metabrm: {format: 1}\n"
PROMO = (
    HEAD
    + """\
entities:
  PROMO:
    EntityLabel: Promotion
    fields:
      Code: {DataType: TEXT, DataLength: 30, ExternalKeyFlag: true}
      Amount: {DataType: DECIMAL}
      Double: {DataType: FORMULA, FormulaValue: '{!Amount} * 2'}
      Kind:
        DataType: LIST
        DefaultValue: GOLD
        values: [GOLD, SILVER]
      AccountId: {DataType: LOOKUP, ReferencedEntity: ACCOUNT}
    validations:
      Positive: {FormulaValue: '{!Amount} < 0', ErrorText: Too little}
    keys:
      Pair: {FieldNames: 'Code, Kind'}
roles:
  Promoter:
    rights:
      PROMO: {ReadFlag: true, CreateFlag: true}
      PROMO.Amount: {ReadFlag: true}
"""
)


def carry_out(text: str, context: Context, **more: Any) -> Report:
    report = transfer.carry_out(text, context, **more)
    assert not report.faults, list(map(str, report.faults))
    assert report.applied
    return report


def faults(report: Report) -> list[str]:
    return [str(fault) for fault in report.faults]


def told(report: Report) -> list[str]:
    return [f"{change.action} {change.sentence}" for change in report.changes]


def again(text: str, context: Context) -> None:
    """Importing a second time has nothing to do."""
    report = transfer.examine(text, context)
    assert (told(report), faults(report)) == ([], []), [c.values for c in report.changes]


def test_what_is_stated_is_made_and_works(admin: Context) -> None:
    report = carry_out(PROMO, admin)
    assert told(report)[:2] == ["create entity PROMO", "create field PROMO.Code"]
    create_one("PROMO", admin, Code="A", Amount="4")
    page = query.query("SELECT Code, Double, Kind FROM PROMO", admin)
    assert orjson.loads(page.json) == [{"Code": "A", "Double": "8", "Kind": "GOLD"}]
    (bad,) = records.create("PROMO", [{"Code": "B", "Amount": "-1"}], admin)
    assert [p.message for p in bad.problems] == ["Too little"]
    again(PROMO, admin)


def test_an_examination_writes_nothing(admin: Context) -> None:
    before = SchemaChange.objects.count()
    report = transfer.examine(PROMO, admin)
    assert not report.applied
    assert "Make the entity PROMO (Promotion) with its table." in [s.words for s in report.steps]
    assert not Entity.objects.filter(entity_name="PROMO").exists()
    assert not Role.objects.filter(name="Promoter").exists()
    assert SchemaChange.objects.count() == before
    assert current().find("PROMO") is None


def test_the_history_tells_of_the_import(admin: Context) -> None:
    carry_out(PROMO, admin.because("import of promo.yaml"))
    assert {c.reason for c in SchemaChange.objects.filter(entity_name="PROMO")} == {
        "import of promo.yaml"
    }
    role = Role.objects.get(name="Promoter")
    logged = AuditLog.objects.filter(record_id=role.pk).order_by("-id").first()
    assert logged is not None
    assert logged.reason == "import of promo.yaml"


def test_an_export_says_the_same_and_changes_nothing(admin: Context) -> None:
    carry_out(PROMO, admin)
    document = transfer.export(admin)
    assert transfer.export(admin) == document
    again(document, admin)


def test_a_change_shows_from_and_to(admin: Context) -> None:
    carry_out(PROMO, admin)
    changed = PROMO.replace("EntityLabel: Promotion", "EntityLabel: Campaign").replace(
        "ErrorText: Too little", "ErrorText: Not enough"
    )
    report = transfer.examine(changed, admin)
    assert [c.values for c in report.changes] == [
        {"EntityLabel": ("Promotion", "Campaign")},
        {"ErrorText": ("Too little", "Not enough")},
    ]
    carry_out(changed, admin)
    again(changed, admin)
    assert current().entity("PROMO").label == "Campaign"


def test_an_attribute_that_is_not_stated_has_its_default(admin: Context) -> None:
    carry_out(HEAD + "entities: {PROMO: {EntityLabel: P, RetentionDays: 5}}", admin)
    carry_out(HEAD + "entities: {PROMO: {}}", admin)
    row = Entity.objects.get(entity_name="PROMO", deleted_at=None)
    assert (row.entity_label, row.retention_days) == (None, 30)


def test_a_renamed_row_keeps_what_it_holds(admin: Context) -> None:
    carry_out(PROMO, admin)
    record = create_one("PROMO", admin, Code="A", Amount="4")
    renamed = (
        PROMO.replace("  PROMO:\n    Entity", "  CAMPAIGN:\n    was: PROMO\n    Entity")
        .replace("PROMO: {Read", "CAMPAIGN: {Read")
        .replace("PROMO.Amount", "CAMPAIGN.Sum")
        .replace("Amount: {DataType", "Sum: {was: Amount, DataType")
        .replace("{!Amount}", "{!Sum}")
    )
    report = transfer.examine(renamed, admin)
    assert not report.dangerous
    assert not any(str(c.action) in ("create", "remove") for c in report.changes), told(report)
    carry_out(renamed, admin)
    page = query.query(f"SELECT Code, Double, Sum FROM CAMPAIGN WHERE Id = {record}", admin)
    assert orjson.loads(page.json) == [{"Code": "A", "Double": "8", "Sum": "4"}]
    again(renamed, admin)
    key = EntityField.objects.get(field_name="Sum", deleted_at=None).external_key
    assert key == "CAMPAIGN.Sum"


def test_entities_that_look_up_to_each_other_are_made_together(admin: Context) -> None:
    document = (
        HEAD
        + """\
entities:
  APPLE:
    ParentEntity: PEAR
    fields:
      PearId: {DataType: LOOKUP, ReferencedEntity: PEAR}
      Second: {DataType: FORMULA, FormulaValue: '{!First} + {!PearObj.Third}'}
      First: {DataType: FORMULA, FormulaValue: '{!N} + 1'}
      N: {DataType: INTEGER, DefaultFormula: '{!M}'}
      M: {DataType: INTEGER, DefaultFormula: '{!N}'}
      Price: {DataType: MONEY, CurrencySource: Unit}
      Unit: {DataType: TEXT}
  PEAR:
    fields:
      AppleId: {DataType: LOOKUP, ReferencedEntity: APPLE, OnDelete: SET_NULL}
      Third: {DataType: FORMULA, FormulaValue: '{!AppleObj.First} * 3'}
"""
    )
    carry_out(document, admin)
    again(document, admin)
    pear = create_one("PEAR", admin)
    apple = create_one("APPLE", admin, N="2", PearId=str(pear))
    records.update("PEAR", [{"Id": str(pear), "AppleId": str(apple)}], admin)
    page = query.query("SELECT Second FROM APPLE", admin)
    assert orjson.loads(page.json) == [{"Second": "12"}]


COMPLETE = "metabrm: {format: 1, complete: [entities, fields, values, keys, validations, roles]}\n"


def test_only_a_complete_section_misses_anything(admin: Context) -> None:
    carry_out(PROMO, admin)
    assert told(transfer.examine(HEAD + "entities: {}\nroles: {}", admin)) == []
    text = COMPLETE.replace(", roles", "")
    assert told(transfer.examine(text, admin)) == ["remove entity PROMO"]


def test_nothing_is_removed_unless_it_is_allowed(admin: Context) -> None:
    carry_out(PROMO, admin)
    create_one("PROMO", admin, Code="A", Amount="4")
    create_one("PROMO", admin, Code="B")
    text = PROMO.replace(HEAD, COMPLETE.replace(", roles", ""))
    text = text.replace("      Amount: {DataType: DECIMAL}\n", "")
    text = text.replace("      Double: {DataType: FORMULA, FormulaValue: '{!Amount} * 2'}\n", "")
    text = text.replace("    validations:\n      Positive", "    validations:\n      Named")
    text = text.replace("{!Amount} < 0", "{!Code} IS NULL")
    text = text.replace("      PROMO.Amount: {ReadFlag: true}\n", "")
    refused = transfer.carry_out(text, admin)
    assert not refused.applied
    assert faults(refused) == [
        "field PROMO.Amount: it is deleted with its values (1 affected); that is only done when "
        "destructive changes are allowed",
        "field PROMO.Double: it is deleted with its values; that is only done when destructive "
        "changes are allowed",
        "validation PROMO.Positive: it is deleted; that is only done when destructive changes are "
        "allowed",
    ]
    assert current().entity("PROMO").find("Amount") is not None
    carry_out(text, admin, destructive=True)
    again(text, admin)
    assert current().entity("PROMO").find("Amount") is None


def test_core_entities_change_and_go_back_to_what_was_shipped(admin: Context) -> None:
    shipped = current().entity("ACCOUNT").label
    before = transfer.export(admin)
    changed = (
        HEAD
        + """\
entities:
  ACCOUNT:
    EntityLabel: Customer
    fields:
      Name: {FieldLabel: Company}
      Tier: {DataType: LIST, values: {A: {SortOrder: 2}, B: {SortOrder: 1}}}
      Status: {values: [ACTIVE, PAUSED]}
"""
    )
    carry_out(changed, admin)
    document = transfer.export(admin)
    assert "EntityLabel: Customer" in document
    assert "Company" in document
    again(document, admin)
    again(changed, admin)
    carry_out(before, admin, destructive=True)
    assert current().entity("ACCOUNT").label == shipped
    assert transfer.export(admin) == before


def test_everything_or_nothing(admin: Context) -> None:
    report = transfer.carry_out(PROMO.replace("{!Amount} < 0", "{!Amont} < 0"), admin)
    assert not report.applied
    (fault,) = faults(report)
    assert fault.startswith("line 15, column 18: validation PROMO.Positive: FormulaValue: ")
    assert "Did you mean Amount?" in fault
    assert not Entity.objects.filter(entity_name="PROMO").exists()
    assert current().find("PROMO") is None
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) FROM pg_tables WHERE tablename LIKE 'brm\\_e%'")
        assert cursor.fetchone() == (0,)


def test_only_administrators(clerk: Any) -> None:
    somebody = clerk(ENTITY="CRUD", ENTITY_FIELD="CRUD", ROLE="CRUD")
    for act in (
        lambda: transfer.export(somebody),
        lambda: transfer.examine(PROMO, somebody),
        lambda: transfer.carry_out(PROMO, somebody),
    ):
        with pytest.raises(RequestError, match="Only an administrator"):
            act()


def test_the_example_for_administrators_works(admin: Context) -> None:
    guide = (ROOT / "docs" / "admins.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(.*?)```", guide, re.DOTALL)
    carry_out(
        HEAD + "entities: {PROMOTION: {fields: {PromoCode: {DataType: TEXT, DataLength: 30}}}}",
        admin,
    )
    record = create_one("PROMOTION", admin, PromoCode="A")
    report = carry_out(example, admin)
    assert "change field PROMOTION.Code" in told(report)
    again(example, admin)
    page = query.query(f"SELECT Code FROM PROMOTION WHERE Id = {record}", admin)
    assert orjson.loads(page.json) == [{"Code": "A"}]


def test_an_export_of_some_entities_has_what_is_theirs(admin: Context) -> None:
    carry_out(PROMO.replace("roles:", "  OTHER: {}\nroles:"), admin)
    document = transfer.export(admin, ["promo"])
    assert "PROMO:" in document
    assert "OTHER" not in document
    assert "roles" not in document
    assert "entities]" not in document
    again(document, admin)


def test_what_stays_where_it_is_is_neither_written_nor_missed(admin: Context) -> None:
    carry_out(
        PROMO.replace("    EntityLabel", "    IsApplicationDeployable: false\n    EntityLabel"),
        admin,
    )
    document = transfer.export(admin)
    assert "PROMO" not in document
    again(document, admin)


def test_secrets_do_not_travel_and_are_named(admin: Context) -> None:
    entity = Entity.objects.get(entity_name="ACCOUNT", deleted_at=None)
    rule = WorkflowRule.objects.create(
        entity=entity, rule_name="Tell", external_key="ACCOUNT.Tell", event="After Create"
    )
    WorkflowAction.objects.create(
        workflow_rule=rule,
        action_name="Send",
        external_key="ACCOUNT.Tell.Send",
        action_type="WEBHOOK",
        url="https://example.com/hook",
        secret="s3cr3t",
        field_formulas={"Status": "'1'", "N": "1"},
    )
    document = transfer.export(admin)
    assert "s3cr3t" not in document
    assert document.endswith("secrets:\n- 'actions ACCOUNT.Tell.Send: Secret'\n")
    assert "          Send:\n" in document
    assert "Status: '''1'''" in document
    assert "N: '1'" in document
    again(document, admin)
    assert transfer.examine(document, admin).secrets == []
    WorkflowAction.objects.update(secret=None)
    report = transfer.examine(document, admin)
    assert report.secrets == ["actions ACCOUNT.Tell.Send: Secret"]
    assert "  actions ACCOUNT.Tell.Send: Secret" in telling.lines(report)
    WorkflowAction.objects.update(secret="another")


def test_rows_of_one_name_go_by_their_keys(admin: Context) -> None:
    entity = Entity.objects.get(entity_name="ACCOUNT", deleted_at=None)
    for key in ("ACCOUNT.Tell", "other"):
        WorkflowRule.objects.create(
            entity=entity, rule_name="Tell", external_key=key, event="After Create"
        )
    document = transfer.export(admin)
    assert "      Tell: {Event: After Create}" in document
    assert "other" in document
    again(document, admin)


def test_a_field_that_people_add_to_the_metadata_travels(admin: Context) -> None:
    document = HEAD + "entities: {ENTITY_FIELD: {fields: {Steward: {DataType: TEXT}}}}"
    carry_out(document, admin)
    carry_out(PROMO.replace("{DataType: DECIMAL}", "{DataType: DECIMAL, Steward: Ada}"), admin)
    document = transfer.export(admin)
    assert "Steward: Ada" in document
    again(document, admin)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("entities: {P: {fields: {A: {DataType: LOOKUP, ReferencedEntity: ACOUNT}}}}", "ACCOUNT?"),
        ("roles: {R: {rights: {ACOUNT: {ReadFlag: true}}}}", "Did you mean"),
        ("roles: {R: {rights: {ACCOUNT.Nam: {ReadFlag: true}}}}", "Did you mean"),
        ("roles: {R: {ParentRole: Nobody}}", "there is no role 'Nobody'"),
        ("entities: {P: {fields: {A: {DataType: TEXT, FieldName: '1'}}}}", "starts with a letter"),
        ("entities: {QUERY: {}}", "has a meaning of its own"),
        ("entities: {ACCOUNT: {fields: {Name: {DataType: INTEGER}}}}", "ships with the platform"),
        ("entities: {P: {keys: {K: {FieldNames: 'A, B'}}}}", "There is no field of P 'A'"),
    ],
)
def test_what_the_system_refuses_is_told_with_its_line(
    text: str, says: str, admin: Context
) -> None:
    document = HEAD + text
    for report in (
        transfer.examine(document, admin),
        transfer.carry_out(document, admin, destructive=True),
    ):
        assert not report.applied
        assert any(says in fault for fault in faults(report)), faults(report)
        assert all(fault.startswith("line 2, ") for fault in faults(report))


def test_a_rename_needs_a_free_name(admin: Context) -> None:
    carry_out(HEAD + "entities: {A1: {}, B1: {}}", admin)
    for text in ("entities: {B1: {was: A1}}", "entities: {A1: {}, C1: {was: A1}}"):
        report = transfer.examine(HEAD + text, admin)
        assert any("take `was` out" in fault for fault in faults(report)), faults(report)


def test_a_layout_takes_the_place_of_another(admin: Context) -> None:
    form = "entities: {{PROMO: {{fields: {{A: {{DataType: TEXT}}}}, layouts: {{{}}}}}}}"
    on = "{LayoutType: LIST, LayoutFields: [A], DefaultFlag: true}"
    off = on.replace("true", "false")
    for layouts in (f"One: {on}", f"One: {off}, Two: {on}", f"One: {on}, Two: {off}"):
        text = HEAD + form.format(layouts)
        carry_out(text, admin)
        again(text, admin)


WORKFLOW = """\
    workflow_rules:
      Tell:
        Event: After Create
        Criteria: '{!Amount} > 5'
        ExecOrder: 3
        actions:
          Close: {ActionType: SET_FIELDS, FieldFormulas: {Code: "'CLOSED'"}}
          Send:
            ActionType: WEBHOOK
            ExecOrder: 2
            Url: https://example.com/hook
roles:
"""


def test_workflow_rules_come_with_their_actions(admin: Context) -> None:
    document = PROMO.replace("roles:\n", WORKFLOW)
    carry_out(document, admin)
    again(document, admin)
    again(transfer.export(admin), admin)
    create_one("PROMO", admin, Code="A", Amount="9")
    page = query.query("SELECT Code FROM PROMO", admin)
    assert orjson.loads(page.json) == [{"Code": "CLOSED"}]
    empty = document.replace(HEAD, HEAD.replace("1}", "1, complete: [actions, workflow_rules]}"))
    empty = empty.replace(WORKFLOW, "roles:\n")
    assert told(transfer.examine(empty, admin)) == ["remove workflow rule PROMO.Tell"]
    carry_out(empty, admin, destructive=True)
    again(empty, admin)


def test_a_rehearsal_writes_no_large_table_anew(
    admin: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    carry_out(PROMO, admin)
    monkeypatch.setattr("entities.changing.tables.size", lambda table: 10_000_000)
    text = PROMO.replace("Code: {DataType: TEXT, DataLength: 30,", "Code: {DataType: INTEGER,")
    with CaptureQueriesContext(connection) as queries:
        report = transfer.examine(text, admin)
    assert not report.faults
    assert any("about 33 seconds for 10,000,000 records" in s.lock_words for s in report.steps)
    assert not any(_retypes(query["sql"]) for query in queries)
    with CaptureQueriesContext(connection) as queries:
        carry_out(text, admin, destructive=True)
    assert any(_retypes(query["sql"]) for query in queries)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("keys: {K: {FieldNames: 'A, B'}}", "keys: {K: {FieldNames: 'a,b'}}"),
        (
            "layouts: {L: {LayoutType: LIST, LayoutFields: [A, B]}}",
            "layouts: {L: {layoutType: list, LayoutFields: [{Section: '', Fields: [a, B]}]}}",
        ),
    ],
)
def test_another_way_to_write_the_same_is_no_difference(
    one: str, other: str, admin: Context
) -> None:
    form = "entities: {{P: {{fields: {{A: {{DataType: TEXT}}, B: {{DataType: TEXT}}}}, {}}}}}"
    carry_out(HEAD + form.format(one), admin)
    again(HEAD + form.format(other), admin)


def _retypes(sql: str) -> bool:
    return sql.startswith("ALTER TABLE") and " TYPE " in sql
