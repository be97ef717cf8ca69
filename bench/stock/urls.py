"""The addresses of the stock application."""

from rest_framework.routers import SimpleRouter

from bench.stock.views import AccountProductViewSet

router = SimpleRouter()
router.register("account-products", AccountProductViewSet)
urlpatterns = router.urls
