"""The verbs: the only way in which a record is written, whoever asks.

    create, update, upsert, delete, undelete    a batch in, one Outcome per record out, in order
    retrieve                                    whole records in wire form

A record that fails leaves its neighbours alone, unless the caller asks for all or none.
"""

from entities.records.batch import UNSET, Batch
from entities.records.behavior import Behavior, behavior
from entities.records.outcome import Outcome
from entities.records.verbs import create, delete, retrieve, undelete, update, upsert

__all__ = [
    "UNSET",
    "Batch",
    "Behavior",
    "Outcome",
    "behavior",
    "create",
    "delete",
    "retrieve",
    "undelete",
    "update",
    "upsert",
]
