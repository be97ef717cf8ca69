"""schemathesis reads a role's own document and sends what it allows, and what it does not: whatever
comes, the answer is one that the document has, and never a failure of ours.
"""

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case, GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from tests.contract.calls import Caller
from tests.contract.live import Live

CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
#: Generated requests for each operation, of what is allowed and as many of what is not.
CASES = 3
CUSTOM = "FUZZED"
#: Entity -> what the role may do with it. No other test leaves records of it to be deleted.
RIGHTS = {CUSTOM: "CRUD", "LABEL_VERSION": "CRUD", "ACCOUNT": "CRU", "PRICING": "CR", "ROLE": "R"}
#: Signing in costs a hash each time, and is no matter of entities.
LEFT_OUT = ("/rest/2.0/log", "/auth/", "/hostedPayments/")

_ONE_RUN = settings(
    deadline=None,
    database=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
    max_examples=CASES,
)


@pytest.fixture(scope="module")
def fuzzer(live: Live, admin: Caller) -> Iterator[Caller]:
    """Somebody with the rights above, on one entity that was made at run time."""
    entity = admin.create("ENTITY", {"EntityName": CUSTOM})
    kinds = ("LIST", "DECIMAL", "DATE", "DATETIME", "FLAG", "EMAIL", "FILE", "JSON", "LONG_TEXT")
    fields: list[dict[str, Any]] = [{"FieldName": f"A{k}", "DataType": k} for k in kinds]
    fields.append({"FieldName": "Code", "DataType": "TEXT", "ExternalKeyFlag": "1"})
    fields.append(
        {"FieldName": "OverId", "DataType": "LOOKUP", "ReferencedEntityId": entity}
        | {"OnDelete": "SET_NULL"}
    )
    rows = [{"EntityId": entity, **field} for field in fields]
    assert all(e["success"] for e in admin.write("POST", "ENTITY_FIELD", rows))
    of_list = {"EntityFieldIdObj": {"ExternalKey": f"{CUSTOM}.ALIST"}}
    admin.create("ENTITY_FIELD_VALUES", {**of_list, "ListValue": "GOLD"})
    role = admin.create("ROLE", {"Name": "Fuzzers"})
    verbs = {"CreateFlag": "C", "ReadFlag": "R", "UpdateFlag": "U", "DeleteFlag": "D"}
    for name, letters in RIGHTS.items():
        flags = {flag: str(int(letter in letters)) for flag, letter in verbs.items()}
        right = {"RoleId": role, "EntityIdObj": {"EntityName": name}, **flags}
        admin.create("ENTITY_FIELD_ROLE", right)
    live.run(
        "from metabrm.identity.models import User\n"
        "user = User(username='fuzzer', role_id=sys.argv[1])\n"
        "user.set_password('contract-fuzz-9')\n"
        "user.save()",
        role,
    )
    caller = Caller.signed_in(live.url, "fuzzer", "contract-fuzz-9")
    for n in range(3):
        caller.create(CUSTOM, {"Code": f"fuzzed-{n}", "ALIST": "GOLD"})
    yield caller
    caller.http.close()


def test_whatever_is_sent_the_answer_is_as_described(live: Live, fuzzer: Caller) -> None:
    document = fuzzer.send("GET", "openapi.json").json()
    assert {tag["name"] for tag in document["tags"]} > set(RIGHTS)
    document["paths"] = {
        path: item for path, item in document["paths"].items() if not path.startswith(LEFT_OUT)
    }
    described = schemathesis.openapi.from_dict(document)
    described.config.update(base_url=live.url)
    answered: Counter[int] = Counter()
    operations = [result.ok() for result in described.get_all_operations()]
    assert len(operations) > 25

    def check(case: Case) -> None:
        answer: requests.Response = case.call(
            session=fuzzer.http, headers={"sessionid": str(fuzzer.http.headers["sessionid"])}
        )
        answered[answer.status_code] += 1
        case.validate_response(answer, checks=CHECKS)

    for number, operation in enumerate(operations):
        strategies = [
            *described.get_strategies_from_examples(operation),
            operation.as_strategy(generation_mode=GenerationMode.POSITIVE),
            operation.as_strategy(generation_mode=GenerationMode.NEGATIVE),
        ]
        for strategy in strategies:
            # Of some operations there is nothing that would not be allowed.
            with suppress(Unsatisfiable):
                _ONE_RUN(seed(number)(given(case=strategy)(check)))()
    assert answered[200] > 2 * len(operations)
    assert answered[400] and answered[404]
    assert 500 not in answered and 503 not in answered
