from django.apps import AppConfig


class IdentityConfig(AppConfig):
    name = "metabrm.identity"
    label = "identity"
    verbose_name = "Identity"

    def ready(self) -> None:
        from metabrm.identity import browser  # noqa: F401 (notes who signs in by a browser)
