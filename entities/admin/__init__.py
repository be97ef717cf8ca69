"""The admin at /admin/: pages for every entity there is, made from the snapshot.

Nothing here knows an entity by name except USER and AUDIT_LOG. A page is built from an EntitySchema
when it is asked for; a record is written by the verbs of `entities.records` and by nothing else.
"""
