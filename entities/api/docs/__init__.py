"""The documentation in the browser: `/docs/`, made from the schema for whoever reads it.

A reader sees what his role may do, as in the OpenAPI document: no page names what he may not use.
Nobody reads without signing in unless the operator names a role for everybody (BRM_DOCS_ROLE).
"""
