"""The designer: pages in the admin on which people define entities and their fields.

It writes rows of ENTITY, ENTITY_FIELD and ENTITY_FIELD_VALUES through the verbs and knows nothing
of tables and columns; which options a field has is said by its data type.
"""
