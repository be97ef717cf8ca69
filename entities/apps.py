from django.apps import AppConfig


class EntitiesConfig(AppConfig):
    name = "entities"
    label = "entities"
    verbose_name = "Metadata"
