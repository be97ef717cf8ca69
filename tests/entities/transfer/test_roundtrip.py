"""Whatever administrators make, its document makes the same again in an empty system."""

import os
import re
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from entities import transfer
from metabrm.identity.context import Context

pytestmark = pytest.mark.django_db

EXAMPLES = int(os.environ.get("BRM_TEST_EXAMPLES", "4"))
NAMES = ["ALPHA", "BETA", "GAMMA", "DELTA"]
# What YAML could take for something else.
WORDS = "Plain|no|1|007| led|two\nlines|ends \nblank|quo'te: \"#|Ünïcode €|~|<b>|- dash|{brace"
TEXTS = st.sampled_from(f"{WORDS}|tab\there|true|2026-01-01|&x|*x|!tag|1e5|12:30|# no".split("|"))
FLAGS = st.booleans()
STORED = {
    "TEXT": {"DataLength": st.sampled_from(["1", "30", "600"]), "SearchableFlag": FLAGS},
    "LONG_TEXT": {},
    "INTEGER": {"DefaultValue": st.sampled_from(["0", "-5", "42"])},
    "DECIMAL": {"DataLength": st.sampled_from(["10,2", "38,0"])},
    "MONEY": {},
    "PERCENT": {"DefaultValue": st.just("12.5")},
    "DATE": {"DefaultValue": st.just("2026-02-28")},
    "DATETIME": {},
    "FLAG": {"DefaultValue": st.sampled_from(["0", "1"])},
    "LIST": {},
    "MULTI_LIST": {},
    "JSON": {},
    "EMAIL": {},
    "URL": {},
    "FILE": {},
}


class _Writer(yaml.SafeDumper):
    """Writes YAML 1.2, in which 1e5 is a number unless it is quoted."""


_Writer.add_implicit_resolver("tag:yaml.org,2002:float", re.compile("1e5"), ["1"])


@st.composite
def fields(draw: Any, entity: str, entities: list[str]) -> dict[str, Any]:
    found: dict[str, Any] = {"Number": {"DataType": "INTEGER"}, "Text": {"DataType": "TEXT"}}
    for kind in draw(st.lists(st.sampled_from(sorted(STORED)), max_size=4)):
        name = f"{kind.title().replace('_', '')}{len(found)}"
        row: dict[str, Any] = {"DataType": kind, "FieldLabel": draw(TEXTS)}
        for option, values in STORED[kind].items():
            if draw(FLAGS):
                row[option] = draw(values)
        row["PIIFlag"] = draw(FLAGS) if kind != "FLAG" else False
        row["DisplayView"] = draw(FLAGS)
        if kind in ("LIST", "MULTI_LIST"):
            values = draw(st.lists(st.sampled_from(["A", "no", "b c", "1", "ü"]), unique=True))
            row["values"] = {
                value: {"SortOrder": place, "ActiveFlag": draw(FLAGS)}
                for place, value in enumerate(values)
            }
        found[name] = row
    for target in draw(st.lists(st.sampled_from([*entities, "ACCOUNT"]), max_size=2)):
        rule = draw(st.sampled_from(["RESTRICT", "CASCADE", "SET_NULL"]))
        found[f"To{len(found)}Id"] = {
            "DataType": "LOOKUP",
            "ReferencedEntity": target,
            "OnDelete": rule,
        }
    formulas = ["{!Number} + 1", "{!Number}\n * 2", "{!Number} / 7"]
    for _ in range(draw(st.integers(0, 3))):
        # Each may read those before it; the document has them in any order.
        name = f"Sum{len(found)}"
        found[name] = {"DataType": "FORMULA", "FormulaValue": draw(st.sampled_from(formulas))}
        formulas.append(f"{{!{name}}} + {{!Number}}")
    if draw(FLAGS):
        found["Sealed"] = {"DataType": "TEXT", "EncryptedFlag": True}
    if draw(FLAGS):
        found["Own"] = {"DataType": "INTEGER", "DefaultFormula": "{!Number} + 1"}
    order = draw(st.permutations(sorted(found)))
    return {name: found[name] for name in order}


@st.composite
def configurations(draw: Any) -> str:
    entities = draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True))
    document: dict[str, Any] = {"metabrm": {"format": 1}, "entities": {}, "roles": {}}
    for name in entities:
        entity: dict[str, Any] = {"fields": draw(fields(name, entities))}
        if draw(FLAGS):
            entity["EntityLabel"] = draw(TEXTS)
        entity["RetentionDays"] = draw(st.integers(0, 90))
        entity["HistoryFlag"] = draw(FLAGS)
        if draw(FLAGS):
            entity["ParentEntity"] = draw(st.sampled_from(entities))
        if draw(FLAGS):
            entity["keys"] = {"Pair": {"FieldNames": "Number, Text"}}
        if draw(FLAGS):
            entity["layouts"] = {
                draw(TEXTS): {"LayoutType": "LIST", "LayoutFields": ["Text", "Number"]},
                "Sections": {
                    "LayoutType": "DETAIL",
                    "LayoutFields": [{"Section": draw(TEXTS), "Fields": ["Text"]}, "Number"],
                    "DefaultFlag": draw(FLAGS),
                },
            }
        if draw(FLAGS):
            entity["validations"] = {
                draw(TEXTS): {
                    "FormulaValue": "{!Number} < 0\nOR {!Text} = 'no'",
                    "ErrorText": draw(TEXTS),
                    "Active": draw(FLAGS),
                }
            }
        document["entities"][name] = entity
    document["entities"]["ACCOUNT"] = {
        "EntityLabel": draw(TEXTS),
        "fields": {"Name": {"FieldLabel": draw(TEXTS)}, "Extra": {"DataType": "TEXT"}},
    }
    rights: dict[str, Any] = {}
    for name in draw(st.lists(st.sampled_from([*entities, "ACCOUNT"]), unique=True)):
        rights[name] = {"ReadFlag": True, "UpdateFlag": draw(FLAGS)}
        if name != "ACCOUNT" and draw(FLAGS):
            rights[f"{name}.Text"] = {"ReadFlag": draw(FLAGS)}
    document["roles"]["Sales"] = {"rights": rights, "CreditApprovalThreshold": "12.50"}
    document["roles"]["Boss"] = {"ViewPIIFlag": draw(FLAGS), "Description": draw(TEXTS)}
    document["roles"]["Sales"]["ParentRole"] = "Boss"
    document["sharing_groups"] = {
        "Team": {
            "Description": draw(TEXTS),
            "rules": {"Team.1": {"Entity": entities[0], "Formula": "{!Number} > 5"}},
        }
    }
    return yaml.dump(document, Dumper=_Writer, sort_keys=False, allow_unicode=True)


def imported(text: str, context: Context) -> None:
    report = transfer.carry_out(text, context, destructive=True)
    assert not report.faults, list(map(str, report.faults))


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[
        HealthCheck.function_scoped_fixture,
        HealthCheck.too_slow,
        HealthCheck.data_too_large,
    ],
)
@given(document=configurations())
def test_what_an_export_says_an_import_makes(document: str, admin: Context) -> None:
    empty = transfer.export(admin)
    imported(document, admin)
    said = transfer.export(admin)
    assert transfer.export(admin) == said
    for text in (document, said):
        assert [c.values for c in transfer.examine(text, admin).changes] == []
    imported(empty, admin)
    assert transfer.export(admin) == empty
    imported(said, admin)
    assert transfer.export(admin) == said
    imported(empty, admin)
