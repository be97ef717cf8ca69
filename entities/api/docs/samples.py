"""Programs for one entity that run as they stand: curl, plain requests, the public client.

Address and credentials come from the environment (BRM_URL, BRM_USER, BRM_PASSWORD). A program makes
a record, reads it, changes it, asks for some and deletes it for good, as far as its reader may.
"""

import json
from dataclasses import dataclass
from typing import Any

from entities.api.openapi import examples
from entities.api.openapi.viewing import View
from entities.schema.description import EntitySchema, FieldSchema

Json = dict[str, Any]


@dataclass(frozen=True)
class Sample:
    """A program in one language; `label` is what people call that way of calling."""

    name: str
    label: str
    language: str
    text: str


@dataclass(frozen=True)
class _Story:
    """What the programs for an entity do.

    row      a new record, None where the reader can make none
    key      the field by which it is found again, "" without one
    change   what an update sends, empty for none
    sql      a query, "" where the reader may not read
    """

    entity: str
    row: Json | None
    key: str
    change: Json
    sql: str
    column: str
    delete: bool


def samples(view: View, schema: EntitySchema, known: examples.Known) -> list[Sample]:
    """The programs for `schema`; `known` gives the lookups of the new record."""
    story = _story(view, schema, known)
    return [
        Sample("client", "Python, public client", "python", _client(story)),
        Sample("requests", "Python, requests", "python", _requests(story)),
        Sample("curl", "curl", "sh", _curl(story)),
    ]


def _story(view: View, schema: EntitySchema, known: examples.Known) -> _Story:
    granted = view.granted[schema.name]
    creates = granted.create and schema.writable
    keys = [f for f in view.upsert_keys(schema) if f.external_key] if creates else []
    readable = [f.name for f in view.read(schema)]
    columns = [n for n in ("Id", schema.title) if n in readable] or readable[:1]
    updates = creates and granted.update
    return _Story(
        schema.name,
        examples.new(view, schema, known) if creates else None,
        _key_among(keys, granted.update),
        examples.change(view, schema) if updates else {},
        _select(schema.name, list(dict.fromkeys(columns))) if readable else "",
        columns[-1] if columns else "",
        creates and granted.delete and schema.deletable,
    )


def _key_among(keys: list[FieldSchema], updates: bool) -> str:
    return keys[0].name if keys and updates else ""


def _select(entity: str, columns: list[str]) -> str:
    return " ".join(["SELECT", ", ".join(columns), "FROM", entity, "ORDER BY", columns[0]])


def _client(story: _Story) -> str:
    lines = [
        "import os",
        "",
        "from billingplatform import BillingPlatform",
        "",
        "brm = BillingPlatform(",
        '    os.environ["BRM_URL"],',
        '    username=os.environ["BRM_USER"],',
        '    password=os.environ["BRM_PASSWORD"],',
        ")",
    ]
    if story.row is not None:
        if story.key:
            call = f'brm.upsert("{story.entity}", record, "{story.key}")["upsertResponse"]'
        else:
            call = f'brm.create("{story.entity}", record)["createResponse"]'
        lines += [
            "",
            f"record = {_literal(story.row)}",
            f"(done,) = {call}",
            'if done["ErrorCode"] != "0":',
            '    raise SystemExit(done["ErrorText"])',
        ]
        if story.change:
            changes = _inline({"Id": "…"} | story.change).replace('"…"', 'done["Id"]')
            lines += [f'brm.update("{story.entity}", {changes})']
        if story.sql:
            lines += [
                f'(stored,) = brm.retrieve_by_id("{story.entity}", done["Id"])["retrieveResponse"]',
                f'print("made", stored["{story.column}"])',
            ]
    if story.sql:
        lines += [
            "",
            f'for page in brm.page_query("{story.sql}", page_size=1000):',
            '    for row in page["queryResponse"]:',
            f'        print(row["{story.column}"])',
        ]
    if story.delete:
        lines += ["", f'brm.delete("{story.entity}", {{"Id": done["Id"]}}, EmptyRecycleBin=True)']
    return "\n".join(lines) + "\n"


def _requests(story: _Story) -> str:
    lines = [
        "import os",
        "",
        "import requests",
        "",
        'url = os.environ["BRM_URL"] + "/rest/2.0"',
        'who = {"username": os.environ["BRM_USER"], "password": os.environ["BRM_PASSWORD"]}',
        "http = requests.Session()",
        'answer = http.post(f"{url}/login", json=who)',
        "answer.raise_for_status()",
        'http.headers["sessionid"] = answer.json()["loginResponse"][0]["SessionID"]',
    ]
    if story.row is not None:
        method, verb = ("patch", "upsert") if story.key else ("post", "create")
        key = f', "externalIDFieldName": "{story.key}"' if story.key else ""
        sent = f'{{"brmObjects": record{key}}}'
        lines += [
            "",
            f"record = {_literal(story.row)}",
            f'answer = http.{method}(f"{{url}}/{story.entity}", json={sent})',
            "answer.raise_for_status()",
            f'(done,) = answer.json()["{verb}Response"]',
            'if done["ErrorCode"] != "0":',
            '    raise SystemExit(done["ErrorText"])',
        ]
        if story.change:
            changes = _inline({"brmObjects": story.change})
            address = f"f\"{{url}}/{story.entity}/{{done['Id']}}\""
            lines += [f"http.put({address}, json={changes}).raise_for_status()"]
        if story.sql:
            lines += [
                f"answer = http.get(f\"{{url}}/{story.entity}/{{done['Id']}}\")",
                f'print("made", answer.json()["retrieveResponse"][0]["{story.column}"])',
            ]
    if story.sql:
        lines += [
            "",
            f'sql = "{story.sql} OFFSET {{}} ROWS FETCH NEXT 1000 ROWS ONLY"',
            "offset = 0",
            "while True:",
            '    answer = http.get(f"{url}/query", params={"sql": sql.format(offset)})',
            "    if answer.status_code == 404:  # no more rows",
            "        break",
            "    answer.raise_for_status()",
            '    for row in answer.json()["queryResponse"]:',
            f'        print(row["{story.column}"])',
            "    offset += 1000",
        ]
    if story.delete:
        address = f'f"{{url}}/delete/{story.entity}"'
        gone = '{"brmObjects": {"Id": done["Id"]}, "EmptyRecycleBin": "1"}'
        lines += ["", f"http.delete({address}, json={gone}).raise_for_status()"]
    lines += ["", 'http.post(f"{url}/logout")']
    return "\n".join(lines) + "\n"


def _curl(story: _Story) -> str:
    login = r"{\"username\":\"$BRM_USER\",\"password\":\"$BRM_PASSWORD\"}"
    lines = [
        "BRM=$BRM_URL/rest/2.0",
        f'SID=$(curl -s "$BRM/login" -d "{login}" |',
        """  sed 's/.*"SessionID":"\\([^"]*\\)".*/\\1/')""",
    ]
    if story.row is not None:
        method = "PATCH" if story.key else "POST"
        sent: Json = {"brmObjects": story.row}
        if story.key:
            sent["externalIDFieldName"] = story.key
        lines += [
            "",
            f'DONE=$(curl -s -X {method} "$BRM/{story.entity}" -H "sessionid: $SID" -d \\',
            f"  {_quoted(json.dumps(sent, indent=2, ensure_ascii=False))})",
            'echo "$DONE"',
            """ID=$(echo "$DONE" | sed 's/.*"Id":"\\([^"]*\\)".*/\\1/')""",
        ]
        if story.change:
            lines += [
                f'curl -s -X PUT "$BRM/{story.entity}/$ID" -H "sessionid: $SID" -d \\',
                f"  {_quoted(_inline({'brmObjects': story.change}))}",
            ]
        if story.sql:
            lines += [f'curl -s "$BRM/{story.entity}/$ID" -H "sessionid: $SID"']
    if story.sql:
        lines += [
            "",
            'curl -s -G "$BRM/query" -H "sessionid: $SID" --data-urlencode \\',
            f"  {_quoted(f'sql={story.sql} FETCH NEXT 1000 ROWS ONLY')}",
        ]
    if story.delete:
        lines += [
            "",
            f'curl -s -X DELETE "$BRM/delete/{story.entity}" -H "sessionid: $SID" \\',
            r'  -d "{\"brmObjects\":{\"Id\":\"$ID\"},\"EmptyRecycleBin\":\"1\"}"',
        ]
    lines += ["", 'curl -s -X POST "$BRM/logout" -H "sessionid: $SID"']
    return "\n".join(lines) + "\n"


def _literal(value: Json) -> str:
    """A Python literal over several lines; no value is a flag or null, so JSON is one."""
    return json.dumps(value, indent=4, ensure_ascii=False)


def _inline(value: Json) -> str:
    return json.dumps(value, ensure_ascii=False)


def _quoted(text: str) -> str:
    """One word of a shell."""
    return "'" + text.replace("'", "'\\''") + "'"
