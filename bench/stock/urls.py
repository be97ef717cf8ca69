"""The addresses of the stock application."""

from rest_framework.routers import SimpleRouter

from bench.stock.views import AccountProductViewSet, WideViewSet

router = SimpleRouter()
router.register("account-products", AccountProductViewSet)
router.register("wide", WideViewSet)
urlpatterns = router.urls
