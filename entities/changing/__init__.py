"""Changing the schema while it is in use: validate -> plan -> run.

Rows of ENTITY, ENTITY_FIELD and ENTITY_KEY describe tables. Writing them, through whichever door,
changes those tables: the behaviors of this room find out what a batch of rows means (a list of
typed `Step`s), refuse what records in place would not survive, and carry the steps out in the
transaction that writes the rows, behind the gate that keeps all other writers out. Whatever takes
long, the index of a large table, is left to a job (`entities.changing.jobs`).

    preview("create", "ENTITY_FIELD", [{"EntityId": 7, "FieldName": "Code", ...}], context)
    -> Preview(outcomes=[...], steps=[Step("Add the field Code (text, 30) to PROMO.", ...)])
"""

from entities.changing.carrying import Preview, preview, recorded
from entities.changing.steps import Lock, Step
from entities.changing.together import together

__all__ = ["Lock", "Preview", "Step", "preview", "recorded", "together"]
