from django.apps import AppConfig


class ObservabilityConfig(AppConfig):
    name = "metabrm.observability"
    label = "observability"
    verbose_name = "Observability"

    def ready(self) -> None:
        from metabrm.observability import tasks, tracing

        tasks.connect()
        tracing.start_if_configured()
