"""The tables of the metadata core."""

from entities.history.models import AuditLog
from entities.models.agreed import EntityFieldRole, EntityKey, EntityLayout, EntityValidation
from entities.models.bulk import (
    BulkApiBatch,
    BulkApiRequest,
    BulkStagedRecord,
    BulkUploadChunk,
    BulkUploadHistory,
)
from entities.models.changes import SchemaChange, SchemaJob
from entities.models.files import StoredFile
from entities.models.metadata import Entity, EntityField, EntityFieldValue, SchemaVersion
from entities.models.sharing import SharingGroup, SharingGroupRule, SharingGroupUser
from entities.models.workflow import (
    OutboundMessage,
    OutboundMessageAttempt,
    WorkflowAction,
    WorkflowRule,
    WorkflowRun,
    WorkflowState,
)

__all__ = [
    "AuditLog",
    "BulkApiBatch",
    "BulkApiRequest",
    "BulkStagedRecord",
    "BulkUploadChunk",
    "BulkUploadHistory",
    "Entity",
    "EntityField",
    "EntityFieldRole",
    "EntityFieldValue",
    "EntityKey",
    "EntityLayout",
    "EntityValidation",
    "OutboundMessage",
    "OutboundMessageAttempt",
    "SchemaChange",
    "SchemaJob",
    "SchemaVersion",
    "SharingGroup",
    "SharingGroupRule",
    "SharingGroupUser",
    "StoredFile",
    "WorkflowAction",
    "WorkflowRule",
    "WorkflowRun",
    "WorkflowState",
]
