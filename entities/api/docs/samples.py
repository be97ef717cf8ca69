"""Programs for one entity that run as they stand: curl, plain requests, the public client.

Address and credentials come from the environment (BRM_URL, BRM_USER, BRM_PASSWORD). A program makes
a record, after those that it needs and that are not there, reads it, changes it, asks for some and
deletes what it made for good, as far as its reader may.
"""

import json
import re
from dataclasses import dataclass
from typing import Any

from entities.api.docs.planning import Made, Plan, Step
from entities.api.openapi import examples
from entities.api.openapi.viewing import View
from entities.schema.description import EntitySchema

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

    steps    the records that they make, the one that they are about last; none where the reader
             can make none
    change   what an update sends, empty for none
    sql      a query, "" where the reader may not read
    """

    entity: str
    steps: list[Step]
    change: Json
    sql: str
    column: str

    @property
    def made(self) -> Made:
        """The record that the program is about."""
        return Made(self.steps[-1].variable if self.steps else "")

    @property
    def gone(self) -> list[Step]:
        """What the program deletes in the end: what points to others before them."""
        return [step for step in reversed(self.steps) if step.delete]


def samples(view: View, schema: EntitySchema, plan: Plan) -> list[Sample]:
    """The programs for `schema`, which make what is planned."""
    story = _story(view, schema, plan)
    return [
        Sample("client", "Python, public client", "python", _client(story)),
        Sample("requests", "Python, requests", "python", _requests(story)),
        Sample("curl", "curl", "sh", _curl(story)),
    ]


def _story(view: View, schema: EntitySchema, plan: Plan) -> _Story:
    readable = [f.name for f in view.read(schema)]
    columns = [n for n in ("Id", schema.title) if n in readable] or readable[:1]
    updates = plan.steps and view.granted[schema.name].update
    return _Story(
        schema.name,
        plan.steps,
        examples.change(view, schema) if updates else {},
        _select(schema.name, list(dict.fromkeys(columns)), plan.asked) if readable else "",
        columns[-1] if columns else "",
    )


def _select(entity: str, columns: list[str], asked: Json) -> str:
    where = " AND ".join(f"{name} = {value}" for name, value in asked.items())
    condition = ["WHERE", where] if where else []
    return " ".join(
        ["SELECT", ", ".join(columns), "FROM", entity, *condition, "ORDER BY", columns[0]]
    )


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
    for step in story.steps:
        if step.key:
            call = f'brm.upsert("{step.entity}", record, "{step.key}")["upsertResponse"]'
        else:
            call = f'brm.create("{step.entity}", record)["createResponse"]'
        lines += [*_opening(step, story), f"record = {_literal(step.row)}", f"(done,) = {call}"]
        lines += _checking(step)
    if story.steps and story.change:
        changes = _inline({"Id": story.made} | story.change)
        lines += [f'brm.update("{story.entity}", {changes})']
    if story.steps and story.sql:
        found = f'brm.retrieve_by_id("{story.entity}", {story.made.variable})["retrieveResponse"]'
        lines += [f"(stored,) = {found}", f'print("made", stored["{story.column}"])']
    if story.sql:
        lines += [
            "",
            f'for page in brm.page_query("{story.sql}", page_size=1000):',
            '    for row in page["queryResponse"]:',
            f'        print(row["{story.column}"])',
        ]
    lines += [""] * bool(story.gone)
    for step in story.gone:
        gone = _inline({"Id": Made(step.variable)})
        lines += [f'brm.delete("{step.entity}", {gone}, EmptyRecycleBin=True)']
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
    for step in story.steps:
        method, verb = ("patch", "upsert") if step.key else ("post", "create")
        key = f', "externalIDFieldName": "{step.key}"' if step.key else ""
        sent = f'{{"brmObjects": record{key}}}'
        lines += [
            *_opening(step, story),
            f"record = {_literal(step.row)}",
            f'answer = http.{method}(f"{{url}}/{step.entity}", json={sent})',
            "answer.raise_for_status()",
            f'(done,) = answer.json()["{verb}Response"]',
            *_checking(step),
        ]
    address = f'f"{{url}}/{story.entity}/{{{story.made.variable}}}"'
    if story.steps and story.change:
        changes = _inline({"brmObjects": story.change})
        lines += [f"http.put({address}, json={changes}).raise_for_status()"]
    if story.steps and story.sql:
        lines += [
            f"answer = http.get({address})",
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
    lines += [""] * bool(story.gone)
    for step in story.gone:
        address = f'f"{{url}}/delete/{step.entity}"'
        gone = _inline({"brmObjects": {"Id": Made(step.variable)}, "EmptyRecycleBin": "1"})
        lines += [f"http.delete({address}, json={gone}).raise_for_status()"]
    lines += ["", 'http.post(f"{url}/logout")']
    return "\n".join(lines) + "\n"


def _curl(story: _Story) -> str:
    login = r"{\"username\":\"$BRM_USER\",\"password\":\"$BRM_PASSWORD\"}"
    lines = [
        "BRM=$BRM_URL/rest/2.0",
        f'SID=$(curl -s "$BRM/login" -d "{login}" |',
        """  sed 's/.*"SessionID":"\\([^"]*\\)".*/\\1/')""",
    ]
    for step in story.steps:
        method = "PATCH" if step.key else "POST"
        sent: Json = {"brmObjects": step.row}
        if step.key:
            sent["externalIDFieldName"] = step.key
        lines += [
            *_opening(step, story),
            f'DONE=$(curl -s -X {method} "$BRM/{step.entity}" -H "sessionid: $SID" -d \\',
            f"  {_quoted(_json(sent, indent=2))})",
            'echo "$DONE"',
            step.variable.upper() + """=$(echo "$DONE" | sed 's/.*"Id":"\\([^"]*\\)".*/\\1/')""",
        ]
    address = f'"$BRM/{story.entity}/${story.made.variable.upper()}" -H "sessionid: $SID"'
    if story.steps and story.change:
        lines += [
            f"curl -s -X PUT {address} -d \\",
            f"  {_quoted(_json({'brmObjects': story.change}))}",
        ]
    if story.steps and story.sql:
        lines += [f"curl -s {address}"]
    if story.sql:
        lines += [
            "",
            'curl -s -G "$BRM/query" -H "sessionid: $SID" --data-urlencode \\',
            f"  {_quoted(f'sql={story.sql} FETCH NEXT 1000 ROWS ONLY')}",
        ]
    lines += [""] * bool(story.gone)
    for step in story.gone:
        gone = {"brmObjects": {"Id": Made(step.variable)}, "EmptyRecycleBin": "1"}
        lines += [
            f'curl -s -X DELETE "$BRM/delete/{step.entity}" -H "sessionid: $SID" \\',
            f"  -d {_quoted(_json(gone))}",
        ]
    lines += ["", 'curl -s -X POST "$BRM/logout" -H "sessionid: $SID"']
    return "\n".join(lines) + "\n"


def _opening(step: Step, story: _Story) -> list[str]:
    """What begins the lines about a record; one that only others need is told from the one that
    the program is about."""
    if step is story.steps[-1]:
        return [""]
    return ["", f"# The record below needs one of {step.entity}."]


def _checking(step: Step) -> list[str]:
    return [
        'if done["ErrorCode"] != "0":',
        '    raise SystemExit(done["ErrorText"])',
        f'{step.variable} = done["Id"]',
    ]


#: A variable where JSON has a value, as `_json` leaves it.
_VARIABLE = re.compile(r'"\$(\w+)\$"')


def _json(value: Json, indent: int | None = None) -> str:
    return json.dumps(
        value, indent=indent, ensure_ascii=False, default=lambda made: f"${made.variable}$"
    )


def _literal(value: Json) -> str:
    """A Python literal over several lines; no value is a flag or null, so JSON is one."""
    return _VARIABLE.sub(r"\1", _json(value, indent=4))


def _inline(value: Json) -> str:
    return _VARIABLE.sub(r"\1", _json(value))


def _quoted(text: str) -> str:
    """One word of a shell, with its variables."""
    plain = text.replace("'", "'\\''")
    return "'" + _VARIABLE.sub(lambda found: f'"\'"${found[1].upper()}"\'"', plain) + "'"
