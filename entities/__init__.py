"""The metadata core: ENTITY and ENTITY_FIELD rows say what exists, everything else serves it.

It knows nothing of billing.
"""
