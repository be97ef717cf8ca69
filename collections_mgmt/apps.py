from django.apps import AppConfig


class CollectionsConfig(AppConfig):
    name = "collections_mgmt"
    label = "collections_mgmt"
    verbose_name = "Collections"
