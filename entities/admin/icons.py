"""A sign per entity and room, found by the words of the name."""

#: The first word that occurs in the name decides; longer, more telling words stand first.
_BY_WORD = {
    "AUDIT": "history",
    "ENTITY_LAYOUT": "dashboard_customize",
    "ENTITY_KEY": "key",
    "SHARING_GROUP_RULE": "share",
    "SHARING_GROUP_USER": "group_add",
    "SHARING_GROUP": "group",
    "WORKFLOW_ACTION": "bolt",
    "WORKFLOW_RUN": "play_circle",
    "WORKFLOW": "account_tree",
    "OUTBOUND": "outgoing_mail",
    "SCHEMA_CHANGE": "difference",
    "ENTITY_FIELD_ROLE": "lock_person",
    "ENTITY_FIELD_VALUES": "checklist",
    "ENTITY_FIELD": "view_column",
    "VALIDATION": "rule",
    "ENTITY": "schema",
    "USAGE_IDENTIFIER": "sensors",
    "BILLING_IDENTIFIER": "fingerprint",
    "RATING": "calculate",
    "PRICING_PLAN": "list_alt",
    "PRICING": "sell",
    "PRICE": "sell",
    "RATE_CLASS": "category",
    "RATE": "percent",
    "CURRENCY": "currency_exchange",
    "PACKAGE_PRODUCT": "deployed_code",
    "PACKAGE": "package_2",
    "PRODUCT": "inventory_2",
    "BILLING_PROFILE": "credit_card",
    "CONTRACT": "contract",
    "ACCOUNT_TYPE": "badge",
    "ACCOUNT": "apartment",
    "INVOICE": "receipt_long",
    "STATEMENT": "description",
    "PAYMENT": "payments",
    "DUNNING": "notifications_active",
    "COUNTRY": "public",
    "TIME_ZONE": "schedule",
    "LANGUAGE": "translate",
    "LABEL": "label",
    "ROLE": "admin_panel_settings",
    "USER": "person",
    "TAX": "account_balance",
    "USAGE": "monitoring",
    "SERVICE": "home_repair_service",
    "ORDER": "shopping_cart",
    "QUOTE": "request_quote",
    "TASK": "task_alt",
    "JOB": "work_history",
    "DEVICE": "router",
}
_OTHER = "table_rows"


def icon_of(entity: str) -> str:
    """Name of the Material symbol that stands for an entity."""
    name = entity.upper()
    return next((icon for word, icon in _BY_WORD.items() if word in name), _OTHER)
