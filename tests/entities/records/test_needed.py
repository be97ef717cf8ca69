"""What a new record has to bring: the fields that are `needed`, as an empty record is told."""

import pytest

from entities import records
from entities.schema.current import current
from metabrm.identity.context import Context

pytestmark = pytest.mark.django_db

#: What an empty record is told besides, and what it is not: by behaviors that ask for one of
#: several fields, or for one before the other.
_BESIDES = {
    "PRICING": {"ProductId"},
    "SHARING_GROUP_RULE": {"RuleCriteria"},
    "BULK_API_REQUEST": {"RequestBody"},
    "BULK_UPLOAD_HISTORY": {"EntityName"},
}
_LATER = {
    "ENTITY_FIELD_VALUES": {"ListValue"},
    "ENTITY_LAYOUT_CONFIGURATION": {"LayoutFields"},
}


def test_an_empty_record_lacks_what_is_needed(admin: Context) -> None:
    told: dict[str, set[str]] = {}
    asked: dict[str, set[str]] = {}
    for schema in current().entities.values():
        name = schema.name
        if schema.writable:
            (outcome,) = records.create(name, [{}], admin, all_or_none=True)
            supplied = {f.name for f in schema.fields if f.supplied}
            # A key that is made of names is lacking with them.
            told[name] = {problem.field for problem in outcome.problems} - supplied - {""}
            asked[name] = {f.name for f in schema.fields if f.needed} - _LATER.get(name, set())
            asked[name] |= _BESIDES.get(name, set())
    wrong = {name: (told[name], asked[name]) for name in told if told[name] != asked[name]}
    assert not wrong, wrong
    assert sum(map(len, asked.values())) > 100
