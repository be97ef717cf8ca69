"""The schema changes two hundred times under full traffic, and nobody is failed by it.

Clients keep creating, changing, upserting, reading and asking, over relations and formulas, on a
core entity and on a custom one, while fields and entities come, change and go on and beside them.
Other clients work with just what comes and goes. All workers are asked after every change.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import count, pairwise
from statistics import median
from typing import Any

import psutil

from tests.contract.live import Live
from tests.contract.workers import Answer, Connection, signed_in, to_each_worker

CHANGES = 200
#: What a worker may grow by in the median round of eight changes. Measured: one that kept every
#: change's snapshot grew by 22,000 KB in each round; one that keeps nothing by less than 40 KB in
#: the median one, though now and then its allocator takes some 3,000 KB at once.
GROWTH_KB_A_ROUND = 500
#: What may be answered to whoever asks for what is going or gone.
_LASTING = ("PROMO", "PRODUCT")
CLEAR = {"UNKNOWN_FIELD", "UNKNOWN_ENTITY", "QUERY_INVALID"}


@dataclass(frozen=True)
class Schema:
    """What comes and goes, as it was last answered: entity -> its field, "" where it is gone.

    `settled`: no change is under way. Compared by identity: as long as it is the same, nothing was
    begun since.
    """

    fields: dict[str, str]
    settled: bool = True


class Traffic:
    """Clients that keep working. `failures` is what any of them was refused or told wrong."""

    def __init__(self, live: Live, session: str, product: str) -> None:
        self.schema = Schema({})
        self._product = product
        self.failures: list[str] = []
        self.served: dict[int, int] = dict.fromkeys(live.worker_pids(), 0)
        self.refused = 0
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._over = threading.Event()
        work: list[Callable[[Connection], None]] = [self._steadily, self._behind]
        self._threads = [
            threading.Thread(target=self._work, args=(connection, task))
            for task in work
            for connection in to_each_worker(live, session)
        ]

    def __enter__(self) -> "Traffic":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _work(self, connection: Connection, task: Callable[[Connection], None]) -> None:
        try:
            while not self._over.is_set():
                task(connection)
                assert connection.kept()
        except Exception as error:
            self.failures.append(repr(error))

    def _steadily(self, connection: Connection) -> None:
        """A record's life on what stays, none of which may ever fail or read wrong."""
        for entity in _LASTING:
            key = f"{entity}-{next(self._numbers)}"
            row = {"Name": "steady", "Code": key, "Steady": "1", "Amount": "7"}
            if entity == "PROMO":
                row["ProductId"] = self._product
            id_ = self._stored(connection, connection.write("POST", entity, row))
            changes = connection.write("PUT", entity, {"Id": id_, "Steady": "2"})
            self._stored(connection, changes)
            self._stored(
                connection,
                connection.write(
                    "PATCH", entity, {"Code": key, "Amount": "8"}, externalIDFieldName="Code"
                ),
            )
            wanted = {"Id": id_, "Steady": "2", "Twice": "16"}
            self._holds(connection, connection.send("GET", f"{entity}/{id_}"), wanted)
            through = "CreatedUserObj.Username"
            sql = f"SELECT Id, Steady, Twice, {through} FROM {entity} WHERE Code = '{key}'"
            asked = connection.query(sql)
            self._holds(connection, asked, {**wanted, through: "admin"})
            if entity == "PROMO":
                sql = f"SELECT ProductObj.Steady s FROM PROMO WHERE Twice = 16 AND Id = {id_}"
                self._holds(connection, connection.query(sql), {"s": "there"})
            gone = connection.write("DELETE", f"delete/{entity}", {"Id": id_})
            self._stored(connection, gone)

    def _stored(self, connection: Connection, answer: Answer) -> str:
        self._right(connection, answer.status == 200 and not answer.code, answer)
        return str(answer.elements[0].get("Id")) if answer.elements else ""

    def _holds(self, connection: Connection, answer: Answer, wanted: dict[str, str]) -> None:
        (row,) = answer.elements if answer.status == 200 else ({},)
        self._right(connection, wanted.items() <= row.items(), answer)

    def _behind(self, connection: Connection) -> None:
        """Work with what comes and goes. What was answered before we began must be known to us."""
        before = self.schema
        for entity, field in before.fields.items():
            row = {field: "5"} | ({"Name": "changing"} if entity in _LASTING else {})
            acts: list[Callable[[], Answer]] = [
                lambda row=row, entity=entity: connection.write("POST", entity, row),  # type: ignore[misc]
                lambda entity=entity, field=field: connection.query(  # type: ignore[misc]
                    f"SELECT COUNT({field}) n FROM {entity}"
                ),
            ]
            for act in acts:
                answer = act()
                known = answer.status == 200 and not answer.code
                same = self.schema is before and before.settled
                self._right(connection, known if same else known or answer.code in CLEAR, answer)
                if not known:
                    self.refused += 1

    def _right(self, connection: Connection, right: bool, answer: Answer) -> None:
        with self._lock:
            self.served[connection.pid] += 1
        if not right:
            self.failures.append(f"{answer.status} {str(answer.body)[:400]}")


class Changer:
    """Changes the schema, and asks every worker afterwards whether it serves the change."""

    def __init__(self, live: Live, session: str, traffic: Traffic | None = None) -> None:
        self.connections = to_each_worker(live, session)
        self.traffic = traffic
        self.changes = 0

    def change(
        self,
        method: str,
        path: str,
        row: dict[str, Any],
        schema: dict[str, str],
        **beside: Any,
    ) -> str:
        """`schema` is what comes and goes once the change is made."""
        assert self.traffic is not None
        self.traffic.schema = Schema(self.traffic.schema.fields, settled=False)
        connection = self.connections[self.changes % len(self.connections)]
        answer = connection.write(method, path, row, **beside)
        assert answer.status == 200 and not answer.code, answer.body
        self.traffic.schema = Schema(schema)
        self.changes += 1
        return str(answer.elements[0]["Id"])

    def known(self, *sql: str) -> None:
        self._asked(sql, lambda answer: answer.status == 200 or answer.code == "NO_ROWS")

    def unknown(self, *sql: str) -> None:
        self._asked(sql, lambda answer: answer.code in CLEAR)

    def _asked(self, queries: tuple[str, ...], accepted: Callable[[Answer], bool]) -> None:
        """Every worker answers by the new schema, the first time it is asked."""
        for connection in self.connections:
            for sql in queries:
                answer = connection.query(sql)
                assert accepted(answer), (connection.pid, sql, answer)
                assert connection.kept()


def test_nobody_notices_two_hundred_changes(expendable: Live) -> None:
    session = signed_in(expendable)
    entities, product = _made(expendable, session)
    logged = len(expendable.log.read_text())
    with Traffic(expendable, session, product) as traffic:
        changer = Changer(expendable, session, traffic)
        memory = [_memory(expendable)]
        for number in count():
            name = _LASTING[number % 2]
            _field_comes_and_goes(changer, name, entities[name], f"Extra{number}")
            _entity_comes_and_goes(changer, f"SHORT{number}")
            memory.append(_memory(expendable))
            if changer.changes >= CHANGES:
                break
    assert not traffic.failures, (len(traffic.failures), traffic.failures[:5])
    assert changer.changes == CHANGES
    # Nobody was spared, and nobody was replaced.
    assert len(memory[0]) >= 2
    assert all(measured.keys() == traffic.served.keys() for measured in memory)
    assert min(traffic.served.values()) > CHANGES
    assert traffic.refused > 0
    warm = memory[len(memory) // 3 :]
    for pid in traffic.served:
        grown = [after[pid] - before[pid] for before, after in pairwise(warm)]
        assert median(grown) < GROWTH_KB_A_ROUND, (pid, grown)
    assert "Traceback" not in expendable.log.read_text()[logged:]


def _made(live: Live, session: str) -> tuple[dict[str, str], str]:
    """What stays: the Ids of its entities, and that of a product to point to."""
    (connection, *_) = to_each_worker(live, session)

    def make(entity: str, **row: Any) -> str:
        answer = connection.write("POST", entity, row)
        assert answer.status == 200 and not answer.code, answer.body
        return str(answer.elements[0]["Id"])

    (product,) = connection.query("SELECT Id FROM ENTITY WHERE EntityName = 'PRODUCT'").elements
    entities = {"PRODUCT": product["Id"], "PROMO": make("ENTITY", EntityName="PROMO")}
    for name, id_ in entities.items():
        fields: list[dict[str, Any]] = [
            {"FieldName": "Steady", "DataType": "TEXT"},
            {"FieldName": "Code", "DataType": "TEXT", "ExternalKeyFlag": "1"},
            {"FieldName": "Amount", "DataType": "INTEGER"},
            {"FieldName": "Twice", "DataType": "FORMULA", "FormulaValue": "{!Amount} * 2"},
        ]
        if name == "PROMO":
            fields.append({"FieldName": "Name", "DataType": "TEXT"})
            fields.append(
                {
                    "FieldName": "ProductId",
                    "DataType": "LOOKUP",
                    "ReferencedEntityId": entities["PRODUCT"],
                }
            )
        for field in fields:
            make("ENTITY_FIELD", EntityId=id_, **field)
    pointed_to = make("PRODUCT", Name="Pointed to", Steady="there")
    connection.close()
    return entities, pointed_to


def _field_comes_and_goes(changer: Changer, entity: str, entity_id: str, name: str) -> None:
    sql = f"SELECT Id FROM {entity} WHERE {name} IS NULL"
    row = {"EntityId": entity_id, "FieldName": name, "DataType": "TEXT"}
    id_ = changer.change("POST", "ENTITY_FIELD", row, {entity: name})
    changer.known(sql)
    retyped = {"Id": id_, "DataType": "INTEGER", "DataLength": "10"}
    changer.change("PUT", "ENTITY_FIELD", retyped, {entity: name})
    changer.known(f"SELECT COUNT(*) n FROM {entity} WHERE {name} + 1 > 1")
    renamed = f"{name}b"
    changer.change("PUT", "ENTITY_FIELD", {"Id": id_, "FieldName": renamed}, {entity: renamed})
    changer.known(sql.replace(name, renamed))
    changer.unknown(sql)
    changer.change("DELETE", "delete/ENTITY_FIELD", {"Id": id_}, {}, EmptyRecycleBin=True)
    changer.unknown(sql, sql.replace(name, renamed))


def _entity_comes_and_goes(changer: Changer, name: str) -> None:
    id_ = changer.change("POST", "ENTITY", {"EntityName": name}, {})
    changer.known(f"SELECT Id FROM {name}")
    row = {"EntityId": id_, "FieldName": "Code", "DataType": "TEXT"}
    changer.change("POST", "ENTITY_FIELD", row, {name: "Code"})
    changer.known(f"SELECT Code FROM {name}")
    renamed = f"{name}B"
    changer.change("PUT", "ENTITY", {"Id": id_, "EntityName": renamed}, {renamed: "Code"})
    changer.known(f"SELECT Code FROM {renamed}")
    changer.unknown(f"SELECT Id FROM {name}")
    changer.change("DELETE", "delete/ENTITY", {"Id": id_}, {}, EmptyRecycleBin=True)
    changer.unknown(f"SELECT Id FROM {name}", f"SELECT Id FROM {renamed}")


def _memory(live: Live) -> dict[int, int]:
    """Worker process -> its resident memory in KB."""
    return {pid: psutil.Process(pid).memory_info().rss // 1024 for pid in live.worker_pids()}
