from django.apps import AppConfig


class LocalizationConfig(AppConfig):
    name = "metabrm.localization"
    label = "localization"
    verbose_name = "Localization"
