"""What may be saved as a workflow rule or as an action: only what can be applied.

Both act with all rights, so only administrators write them.
"""

import secrets
from collections.abc import Iterable
from typing import Any

from django.db import connection

from entities.automation import growing, rules, scheduled, webhook
from entities.automation.calendar import parse_time
from entities.errors import Code, RequestError
from entities.formulas import PLACEHOLDER, FormulaError
from entities.models import workflow
from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior, is_exclusive
from entities.schema.description import EntitySchema
from entities.schema.versioning import WATCHED

#: Most characters of a name in what a webhook sends.
_NAME_LENGTH = 255
#: Fields of a rule whose change makes it look at its schedule anew.
_SCHEDULE = ("EntityId", "Event", "Status", "ExecTime", "SheduleInterval", "TimeZoneId")
_STORED_ACTIONS = """
SELECT a.workflow_rule_id, a.action_name, a.field_formulas FROM entities_workflowaction a
WHERE a.workflow_rule_id = ANY(%s) AND a.action_type = 'SET_FIELDS' AND a.deleted_at IS NULL
"""


class _Administrators(Behavior):
    """Refuses everybody else, whichever verb is used."""

    def before_create(self, batch: Batch) -> None:
        self._refuse(batch)
        keys = batch.effective("ExternalKey")
        batch.put(
            "ExternalKey", [key or f"{batch.schema.name}-{secrets.token_hex(8)}" for key in keys]
        )
        self.check(batch)

    def before_update(self, batch: Batch) -> None:
        self._refuse(batch)
        self.check(batch)

    def before_delete(self, batch: Batch) -> None:
        self._refuse(batch)

    def after_undelete(self, batch: Batch) -> None:
        self._refuse(batch)

    def check(self, batch: Batch) -> None:
        """Fail the records that could not be applied."""

    @staticmethod
    def _refuse(batch: Batch) -> None:
        if batch.context.administrator:
            return
        for index in list(batch.live):
            batch.fail(
                index,
                Code.INSUFFICIENT_RIGHTS,
                "Workflow rules act with all rights; only an administrator makes, changes and "
                "deletes them.",
            )


@behavior("WORKFLOW_RULE")
class RuleBehavior(_Administrators):
    def check(self, batch: Batch) -> None:
        entities = {schema.id: schema for schema in batch.snapshot.entities.values()}
        names = ("EntityId", "Event", "Criteria", "ExecTime", "SheduleInterval")
        columns = {name: batch.effective(name) for name in names}
        actions = _set_fields_of(batch) if batch.stored else {}
        for index in list(batch.live):
            row = {name: values[index] for name, values in columns.items()}
            schema = entities.get(row["EntityId"])
            if schema is None:
                continue
            _check_entity(batch, index, schema, row["Event"])
            _check_criteria(batch, index, schema, row)
            if row["Event"] == workflow.SCHEDULED:
                _check_schedule(batch, index, row)
            for name, formulas in actions.get(batch.ids[index], []):
                told = growing.told(batch.snapshot, schema, row["Event"], row["Criteria"], formulas)
                if told:
                    message = f"Its action {name!r} would never come to an end: {told}"
                    batch.fail(index, Code.VALIDATION_FAILED, message, "Event")

    def after_create(self, batch: Batch) -> None:
        scheduled.begin([batch.ids[i] or 0 for i in batch.live])

    def after_update(self, batch: Batch) -> None:
        sent = {name: batch.sent(name) for name in _SCHEDULE}
        scheduled.begin(
            [
                batch.ids[i] or 0
                for i in batch.live
                if any(
                    values[i] is not UNSET and values[i] != batch.stored[name][i]
                    for name, values in sent.items()
                )
            ]
        )

    def after_undelete(self, batch: Batch) -> None:
        super().after_undelete(batch)
        scheduled.begin([batch.ids[i] or 0 for i in batch.live])


@behavior("WORKFLOW_ACTION")
class ActionBehavior(_Administrators):
    def check(self, batch: Batch) -> None:
        entities = {schema.id: schema for schema in batch.snapshot.entities.values()}
        owners = _owners(batch.effective("WorkflowRuleId"))
        names = (
            "WorkflowRuleId",
            "ActionType",
            "TargetEntityId",
            "FieldFormulas",
            "Url",
            "Recipient",
            "Subject",
            "Body",
        )
        columns = {name: batch.effective(name) for name in names}
        for index in list(batch.live):
            row = {name: values[index] for name, values in columns.items()}
            entity_id, event, criteria = owners.get(row["WorkflowRuleId"], (0, "", ""))
            schema = entities.get(entity_id)
            if schema is None:
                continue
            kind = row["ActionType"]
            if kind == "WEBHOOK":
                _check_url(batch, index, row["Url"])
                _check_names(batch, index, schema, row["FieldFormulas"])
            elif kind == "EMAIL":
                _check_mail(batch, index, schema, row)
            elif kind == "SET_FIELDS":
                _check_formulas(batch, index, schema, schema, row["FieldFormulas"], making=False)
                if index not in batch.problems:
                    formulas = rules.document(row["FieldFormulas"])
                    told = growing.told(batch.snapshot, schema, event, criteria, formulas)
                    if told:
                        batch.fail(index, Code.VALIDATION_FAILED, told, "FieldFormulas")
            elif kind == "CREATE_RECORD":
                target = entities.get(row["TargetEntityId"])
                if target is None:
                    _require(
                        batch, index, "TargetEntityId", "the entity of the record that is made"
                    )
                else:
                    _check_formulas(batch, index, schema, target, row["FieldFormulas"], making=True)


def _owners(rule_ids: Iterable[Any]) -> dict[int, tuple[int, str, str]]:
    """Rule Id -> Id of its entity, event, criteria."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, entity_id, event, coalesce(criteria, '') FROM entities_workflowrule "
            "WHERE id = ANY(%s)",
            [[i for i in set(rule_ids) if i is not None and i is not UNSET]],
        )
        return {row[0]: row[1:] for row in cursor.fetchall()}


def _set_fields_of(batch: Batch) -> dict[int | None, list[tuple[str, dict[str, str]]]]:
    """Rule Id -> name and formulas of its actions that set fields."""
    found: dict[int | None, list[tuple[str, dict[str, str]]]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_STORED_ACTIONS, [[batch.ids[i] for i in batch.live]])
        for rule_id, name, formulas in cursor.fetchall():
            found.setdefault(rule_id, []).append((name, rules.document(formulas)))
    return found


def _require(batch: Batch, index: int, field: str, what: str) -> None:
    batch.fail(index, Code.REQUIRED_FIELD_MISSING, f"{field} is required: {what}.", field)


def describes_schema(schema: EntitySchema) -> bool:
    """Whether writing the entity changes what every other record is judged by."""
    return is_exclusive(schema.name) or schema.table in WATCHED


def _check_entity(batch: Batch, index: int, schema: EntitySchema, event: str) -> None:
    if describes_schema(schema):
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"{schema.name} records are the schema itself, which no workflow rule is applied to; "
            f"choose another entity.",
            "EntityId",
        )
    elif event != workflow.SCHEDULED and not schema.writable:
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"Only the platform writes {schema.name}, so nothing would set the rule off; choose "
            f"another entity, or Event {workflow.SCHEDULED}.",
            "EntityId",
        )
    elif event == workflow.AFTER_RESTORE and not (schema.recycle_bin and schema.authored):
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"{schema.name} has no recycle bin, so nothing is ever restored; choose another Event.",
            "Event",
        )


def _check_criteria(batch: Batch, index: int, schema: EntitySchema, row: dict[str, Any]) -> None:
    text = (row["Criteria"] or "").strip()
    if row["Event"] == workflow.CRITERIA_MET_AND_CHANGED and not text:
        _require(batch, index, "Criteria", "the condition that is to become true")
        return
    try:
        rules.condition(batch.snapshot, schema, text and row["Criteria"])
    except FormulaError as error:
        batch.fail(index, Code.INVALID_VALUE, f"Criteria: {error.told()}", "Criteria")


def _check_schedule(batch: Batch, index: int, row: dict[str, Any]) -> None:
    for name in ("ExecTime", "SheduleInterval"):
        if not row[name]:
            _require(batch, index, name, "when a scheduled rule runs")
    try:
        parse_time(row["ExecTime"] or "00:00")
    except ValueError:
        batch.fail(
            index,
            Code.INVALID_VALUE,
            f"ExecTime is {row['ExecTime']!r}; send a time of day such as 06:30.",
            "ExecTime",
        )


def _check_url(batch: Batch, index: int, url: Any) -> None:
    if not url:
        _require(batch, index, "Url", "where the webhook goes")
        return
    try:
        webhook.check_destination(url)
    except webhook.RefusedDestinationError as error:
        batch.fail(index, Code.INVALID_VALUE, f"Url {error}.", "Url")


def _check_names(batch: Batch, index: int, schema: EntitySchema, given: Any) -> None:
    """What a webhook sends of a record: any names, with formulas."""
    if given is None:
        return
    for name, formula in _documented(batch, index, given).items():
        if not 0 < len(name) <= _NAME_LENGTH:
            batch.fail(
                index,
                Code.INVALID_VALUE,
                f"FieldFormulas: a name has 1 to {_NAME_LENGTH} characters.",
                "FieldFormulas",
            )
        try:
            rules.wire_sql(batch.snapshot, schema, formula)
        except FormulaError as error:
            _fail_formula(batch, index, name, error)


def _check_mail(batch: Batch, index: int, schema: EntitySchema, row: dict[str, Any]) -> None:
    for name in ("Recipient", "Subject", "Body"):
        text = row[name] or ""
        if not text:
            _require(batch, index, name, "what a mail is made of")
        for placeholder, position in rules.placeholders(text):
            try:
                rules.shown_sql(batch.snapshot, schema, placeholder)
            except FormulaError as error:
                told = FormulaError(error.message, position + error.position).told()
                batch.fail(index, Code.INVALID_VALUE, f"{name}: {told}", name)
    for address in rules.addresses(row["Recipient"] or ""):
        if not rules.ADDRESS.fullmatch(PLACEHOLDER.sub("a@b", address)) or (
            "{!" in address and not PLACEHOLDER.fullmatch(address)
        ):
            batch.fail(
                index,
                Code.INVALID_VALUE,
                f"Recipient {address!r} is no mail address; send addresses separated by commas, "
                f"or {{!Field}} for one that the record holds.",
                "Recipient",
            )


def _documented(batch: Batch, index: int, given: Any) -> dict[str, str]:
    """FieldFormulas as sent -> name -> formula; a record that sent something else fails."""
    try:
        return rules.document(given)
    except (ValueError, AttributeError, TypeError):
        batch.fail(
            index,
            Code.INVALID_VALUE,
            "FieldFormulas is a JSON object of names with formulas, such as "
            '{"Status": "\'CLOSED\'"}.',
            "FieldFormulas",
        )
        return {}


def _check_formulas(
    batch: Batch,
    index: int,
    schema: EntitySchema,
    target: EntitySchema,
    given: Any,
    *,
    making: bool,
) -> None:
    """Formulas over `schema` for fields of `target`, each of which must exist and be writable."""
    formulas = _documented(batch, index, given)
    if index in batch.problems:
        return
    if not formulas:
        _require(
            batch, index, "FieldFormulas", 'field -> formula, such as {"Status": "\'CLOSED\'"}'
        )
    if not target.writable or describes_schema(target):
        batch.fail(
            index,
            Code.VALIDATION_FAILED,
            f"No workflow rule can write {target.name} records; choose another entity.",
            "TargetEntityId" if making else "FieldFormulas",
        )
        return
    for name, formula in formulas.items():
        try:
            field = target.field(name)
        except RequestError as error:
            batch.fail(index, Code.UNKNOWN_FIELD, error.message, "FieldFormulas")
            continue
        if field.read_only or field.type.name == "ID" or (field.immutable and not making):
            batch.fail(
                index,
                Code.FIELD_NOT_CHANGEABLE,
                f"{target.name}.{field.name} can't be written; leave it out.",
                "FieldFormulas",
            )
            continue
        try:
            rules.new_sql(batch.snapshot, schema, field, formula)
        except FormulaError as error:
            _fail_formula(batch, index, field.name, error)
    if making and index not in batch.problems:
        _check_required(batch, index, target, formulas)


def _check_required(
    batch: Batch, index: int, target: EntitySchema, formulas: dict[str, str]
) -> None:
    """A record without them would be refused each time, unless something else fills them in."""
    named = {target.field(name).name for name in formulas}
    lacking = [f.name for f in target.fields if f.needed and f.name not in named]
    if lacking:
        batch.fail(
            index,
            Code.REQUIRED_FIELD_MISSING,
            f"FieldFormulas must also give {', '.join(lacking)}, which {target.name} requires.",
            "FieldFormulas",
        )


def _fail_formula(batch: Batch, index: int, name: str, error: FormulaError) -> None:
    batch.fail(index, Code.INVALID_VALUE, f"FieldFormulas, {name}: {error.told()}", "FieldFormulas")
