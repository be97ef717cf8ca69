from django.apps import AppConfig


class RatingConfig(AppConfig):
    name = "billing.rating"
    label = "rating"
    verbose_name = "Rating"

    def ready(self) -> None:
        from billing.rating import api, explorer
        from billing.rating.rerating import api as rerating
        from billing.rating.rerating import pages
        from billing.rating.rerating.run_page import RerateAdmin
        from billing.rating.trying import api as trying_api
        from billing.rating.trying import page as trying
        from entities.admin import offered
        from entities.api import endpoints

        endpoints.offer(api.EXPLAIN)
        endpoints.offer(rerating.RERATE)
        endpoints.offer(rerating.CORRECT)
        offered.offer(explorer.PAGE)
        offered.offer(trying.PAGE)
        endpoints.offer(trying_api.TRYOUT)
        offered.offer(pages.RERATE)
        offered.offer(pages.CORRECT)
        offered.offer_pages_of("RERATE", RerateAdmin)
