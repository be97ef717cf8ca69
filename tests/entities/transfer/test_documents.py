"""What is wrong with a document is told with its line, all of it, and nothing evil is read."""

import pytest
import yaml

from entities import transfer
from entities.transfer import DocumentError, dumping, parsing
from metabrm.identity.context import Context

pytestmark = pytest.mark.django_db

HEAD = "metabrm: {format: 1}\n"


def wrong(text: str | bytes, context: Context) -> list[str]:
    with pytest.raises(DocumentError) as caught:
        transfer.examine(text, context)
    return [str(fault) for fault in caught.value.faults]


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("", "line 1, column 1: a configuration begins with metabrm:"),
        ("just words", "line 1, column 1: a configuration begins with"),
        ("- a\n- b", "line 1, column 1: a configuration begins with"),
        ("entities: {}", "line 1, column 1: metabrm: is missing"),
        ("metabrm: {}", "line 1, column 10: the format is missing"),
        ("metabrm: {format: 2}", "line 1, column 19: the format is '2'; this version reads"),
        ("metabrm: 1", "line 1, column 10: metabrm: says format: 1"),
        ("metabrm: {format: 1, formt: 1}", "Did you mean format?"),
        (
            "metabrm: {format: 1, complete: [entites]}",
            "line 1, column 33: there is no section 'entites'. Did you mean entities?",
        ),
        ("metabrm: {format: 1, complete: all}", "complete is a list of sections"),
        (HEAD + "entites: {}", "line 2, column 1: there is no section 'entites'. Did you mean"),
        (HEAD + "entities: [A]", "line 2, column 11: entities are names with what each is"),
        (HEAD + "entities: {A: 5}", "line 2, column 15: A is followed by its attributes"),
        (
            HEAD + "entities:\n  A:\n    EntityLable: x",
            "line 4, column 5: there is no entity attribute 'EntityLable'. Did you mean",
        ),
        (
            HEAD + "entities: {A: {fields: {B: {RequiredFlag: maybe}}}}",
            "line 2, column 43: RequiredFlag is 'maybe'; send",
        ),
        (
            HEAD + "entities: {A: {RetentionDays: many}}",
            "line 2, column 31: RetentionDays is 'many'; send a whole number",
        ),
        (
            HEAD + "entities: {A: {fields: {B: {DataType: TXT}}}}",
            "line 2, column 39: DataType is 'TXT'; use one of TEXT, ",
        ),
        (HEAD + "entities: {A: {EntityLabel: [x]}}", "EntityLabel is one value"),
        (HEAD + "entities: {A: {ApiEnabled: }}", "ApiEnabled is true or false"),
        (HEAD + f"entities: {{A: {{EntityLabel: {'x' * 300}}}}}", "has 300 characters; at most"),
        (
            HEAD + "entities:\n  AB: {}\n  A_B: {}",
            "line 4, column 3: A_B and AB are one entity",
        ),
        (HEAD + "entities:\n  A: {}\n  A: {}", "line 4, column 3: A stands twice here"),
        (HEAD + "entities: {A: {fields: {L: {values: [X, X]}}}}", "X stands twice in the list"),
        (HEAD + "entities: {A: {was: [B]}}", "was: is the name that A had before"),
        (HEAD + "entities: {A: &x {}, B: *x}", "line 2, column 15: anchors such as &x are not"),
        (HEAD + "entities: {A: *x}", "line 2, column 15: "),
        (HEAD + "entities: !!python/object:os.system {}", "tags such as tag:yaml.org,2002:python"),
        (HEAD + "entities: !own {}", "tags such as !own are not read"),
        (HEAD + "entities: {A: !!binary aGk=}", "tags such as"),
        (HEAD + "--- \nroles: {}", "line 2, column 1: only one document is read"),
        (HEAD + "entities: {A: {", "this is no YAML"),
        (HEAD + "entities:\n\tA: {}", "line 3, column 1: this is no YAML"),
        (HEAD + "? [a]\n: b", "line 2, column 3: a name is a text"),
        (HEAD + "secrets: {A: b}", "line 2, column 10: secrets is a list of texts"),
        (HEAD + "entities: {'': {}}", "this is no entity name"),
        (HEAD + 'entities: {"A\\0B": {}}', "this is no entity name"),
        (HEAD + "entities: " + "[" * 60, "nested deeper than 40 levels"),
        (HEAD + "entities: " + "{a: " * 60, "nested deeper than 40 levels"),
        (b"\xff\xfe\x00", "this is no YAML"),
        (b"metabrm: \x00", "this is no YAML"),
        ("#" + "x" * parsing.LARGEST, "bytes, and at most 4,194,304 are read"),
    ],
)
def test_an_error_tells_where_and_what_is_right(
    text: str | bytes, says: str, system: Context
) -> None:
    found = wrong(text, system)
    assert any(says in fault for fault in found), found


def test_all_errors_are_told_in_their_order(system: Context) -> None:
    text = HEAD + "rolls: {}\nentities:\n  A: {Labl: x, ApiEnabled: 7}\n  B: 5\n"
    assert [fault.split(":")[0] for fault in wrong(text, system)] == [
        "line 2, column 1",
        "line 4, column 7",
        "line 4, column 28",
        "line 5, column 6",
    ]


def test_errors_have_an_end(system: Context) -> None:
    text = HEAD + "entities:\n" + "".join(f"  A{n}: 5\n" for n in range(500))
    found = wrong(text, system)
    assert len(found) == parsing.MOST_ERRORS + 1
    assert found[-1] == "and 300 more errors"


def test_more_values_than_anybody_has_are_not_read(
    system: Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parsing, "MOST_NODES", 20)
    (found,) = wrong(HEAD + "entities:\n" + "".join(f"  A{n}: {{}}\n" for n in range(20)), system)
    assert "more than 20 values" in found


@pytest.mark.parametrize("word", ["no", "yes", "on", "2026-01-01", "1e3", "0x10", "12:30", "1_000"])
def test_a_text_is_what_was_written(word: str, system: Context) -> None:
    report = transfer.examine(HEAD + f"entities: {{A: {{EntityLabel: {word}}}}}", system)
    assert report.changes[0].item.values["EntityLabel"] == word


@pytest.mark.parametrize(
    "text",
    [
        "1e5",
        "12",
        "-0",
        "0.5",
        ".5",
        "1.",
        "0x1F",
        "0o17",
        "no",
        "true",
        "~",
        "null",
        ".inf",
        "1_0",
    ],
)
def test_a_text_within_a_json_document_stays_a_text(text: str) -> None:
    node = dumping._json({"texts": [text], "number": 5, "nothing": None})
    faults: list[parsing.Fault] = []
    read = parsing.parse(yaml.serialize(node), faults)
    assert read is not None and not faults
    assert read.python() == {"texts": [text], "number": 5, "nothing": None}
