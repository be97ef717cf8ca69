from django.apps import AppConfig


class MediationConfig(AppConfig):
    name = "billing.mediation"
    label = "mediation"
    verbose_name = "Usage"

    def ready(self) -> None:
        from billing.mediation.pages.collectors import CollectorAdmin
        from billing.mediation.pages.loads import LoadAdmin
        from billing.mediation.pages.suspense import PAGE
        from billing.mediation.receiving import EVENTS
        from billing.mediation.workbench import api
        from entities.admin import offered
        from entities.api import endpoints

        offered.offer_pages_of("ACTIVITY_COLLECTOR", CollectorAdmin)
        offered.offer_pages_of("ACTIVITY_COLLECTOR_HISTORY", LoadAdmin)
        endpoints.offer_door(EVENTS)
        offered.offer(PAGE)
        endpoints.offer(api.SUSPENSE)
