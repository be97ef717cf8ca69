from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "metabrm.identity"
    label = "identity"
    verbose_name = "Identity"
