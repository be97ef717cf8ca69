"""Metadata is data: changing it over HTTP takes effect with the next request."""

from tests.contract.calls import Caller


def test_a_list_value_is_taken_as_soon_as_it_is_added_and_refused_once_removed(
    admin: Caller, unique: str
) -> None:
    row = {"Name": unique, "Status": unique}
    (refused,) = admin.write("POST", "PRODUCT", [row])
    assert refused["ErrorCode"] == "VALUE_NOT_IN_LIST"
    (field,) = admin.query("SELECT Id FROM ENTITY_FIELD WHERE ExternalKey = 'PRODUCT.Status'")
    value = admin.create("ENTITY_FIELD_VALUES", {"EntityFieldId": field["Id"], "ListValue": unique})
    made = admin.create("PRODUCT", row)
    assert admin.get("PRODUCT", made)["Status"] == unique
    (held,) = admin.write("DELETE", "delete/ENTITY_FIELD_VALUES", [{"Id": value}])
    assert held["ErrorCode"] == "RECORD_IN_USE"
    assert held["ErrorText"].startswith(f"1 PRODUCT record holds {unique!r} in PRODUCT.Status")
    (gone,) = admin.write("DELETE", "delete/PRODUCT", [{"Id": made}], EmptyRecycleBin="1")
    assert gone["success"]
    (gone,) = admin.write("DELETE", "delete/ENTITY_FIELD_VALUES", [{"Id": value}])
    assert gone["success"]
    (refused,) = admin.write("POST", "PRODUCT", [row])
    assert refused["ErrorCode"] == "VALUE_NOT_IN_LIST"


def test_labels_of_fields_and_entities_change_and_what_code_says_does_not(admin: Caller) -> None:
    (field,) = admin.query(
        "SELECT Id, FieldLabel FROM ENTITY_FIELD WHERE ExternalKey = 'PRODUCT.Name'"
    )
    changes = [{"Id": field["Id"], "FieldLabel": "Article"}]
    (changed,) = admin.write("PUT", "ENTITY_FIELD", changes)
    assert changed["success"]
    assert admin.get("ENTITY_FIELD", field["Id"])["FieldLabel"] == "Article"
    (refused,) = admin.write("PUT", "ENTITY_FIELD", [{"Id": field["Id"], "DataType": "DATE"}])
    assert refused["ErrorCode"] == "FIELD_NOT_CHANGEABLE"
    (entity,) = admin.query("SELECT Id FROM ENTITY WHERE EntityName = 'PRODUCT'")
    (refused,) = admin.write("PUT", "ENTITY", [{"Id": entity["Id"], "EntityName": "ARTICLE"}])
    assert refused["ErrorCode"] == "FIELD_NOT_CHANGEABLE"
    admin.write("PUT", "ENTITY_FIELD", [field])


def test_a_layout_is_made_changed_upserted_and_deleted_over_http(
    admin: Caller, unique: str
) -> None:
    layout, key = "ENTITY_LAYOUT_CONFIGURATION", f"PRODUCT.{unique}"
    (entity,) = admin.query("SELECT Id FROM ENTITY WHERE EntityName = 'PRODUCT'")
    row = {
        "EntityId": entity["Id"],
        "layoutType": "DETAIL",
        "LayoutName": unique,
        "LayoutFields": ["NAME", {"Section": "More", "Fields": ["Status"]}],
    }
    for fields, code in ((["Nmae"], "UNKNOWN_FIELD"), (["Name", "Name"], "INVALID_VALUE")):
        (refused,) = admin.write("POST", layout, [{**row, "LayoutFields": fields}])
        assert (refused["success"], refused["ErrorCode"]) == (False, code)
        assert "LayoutFields" in refused["ErrorText"]
    made = admin.create(layout, row)
    stored = admin.get(layout, made)
    assert stored["ExternalKey"] == key
    assert stored["LayoutFields"] == ["Name", {"Section": "More", "Fields": ["Status"]}]
    # What is read can be written back whole.
    (same,) = admin.write("PUT", layout, [stored])
    assert same["success"], same
    (changed,) = admin.write("PUT", layout, [{"Id": made, "LayoutFields": ["Status"]}])
    assert changed["success"], changed
    answer = admin.send(
        "PATCH",
        layout,
        {"brmObjects": {**row, "ExternalKey": key}, "externalIDFieldName": "ExternalKey"},
    )
    (upserted,) = answer.json()["upsertResponse"]
    assert upserted["Id"] == made
    assert admin.get(layout, made)["LayoutFields"][0] == "Name"
    (gone,) = admin.write("DELETE", f"delete/{layout}", [{"Id": made}], EmptyRecycleBin="1")
    assert gone["success"], gone
