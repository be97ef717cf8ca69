"""The metadata core: ENTITY and ENTITY_FIELD rows say what exists; everything else here serves it. Knows nothing of billing."""
