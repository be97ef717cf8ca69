from django.apps import AppConfig


class MediationConfig(AppConfig):
    name = "billing.mediation"
    label = "mediation"
    verbose_name = "Usage"

    def ready(self) -> None:
        from billing.mediation.pages.collectors import CollectorAdmin
        from billing.mediation.pages.loads import LoadAdmin
        from entities.admin import offered

        offered.offer_pages_of("ACTIVITY_COLLECTOR", CollectorAdmin)
        offered.offer_pages_of("ACTIVITY_COLLECTOR_HISTORY", LoadAdmin)
