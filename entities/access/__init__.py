"""Who may see and change what: roles and field rights, compiled per role and schema version."""

from entities.access.rights import EntityRights, rights, viewer

__all__ = ["EntityRights", "rights", "viewer"]
