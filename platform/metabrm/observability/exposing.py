"""GET /metrics, for Prometheus and nobody else.

Closed unless the operator opens it: by a token that the scraper sends as bearer, or for networks
that requests come from. What a proxy passes on is judged by whom it speaks for if it is one of
BRM_TRUSTED_PROXIES, and else refused without the token.
"""

import hmac
import ipaddress
from collections.abc import Iterable, Iterator

from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from prometheus_client.multiprocess import MultiProcessCollector

from metabrm import environment
from metabrm.observability import heart, metrics, sampling
from metabrm.web import health
from metabrm.web.addresses import client_address

_PASSED_ON = ("HTTP_X_FORWARDED_FOR", "HTTP_FORWARDED", "HTTP_X_REAL_IP", "HTTP_VIA")


@never_cache
def expose(request: HttpRequest) -> HttpResponse:
    """All metrics in Prometheus' text format, or 403."""
    if not _may(request):
        return HttpResponse(
            "Not allowed. Send the token in BRM_METRICS_TOKEN as bearer, or ask from one of the "
            "networks in BRM_METRICS_NETWORKS.\n",
            status=403,
            content_type="text/plain; charset=utf-8",
        )
    return HttpResponse(text(), content_type=CONTENT_TYPE_PLAIN_0_0_4)


def text() -> bytes:
    """What Prometheus reads."""
    metrics.forget_the_dead()
    registry = CollectorRegistry()
    MultiProcessCollector(registry, str(metrics.directory()))  # type: ignore[no-untyped-call]
    registry.register(_Asked())
    return generate_latest(registry)


class _Asked:
    """What is asked of the servers and the rooms at this moment. What fails is left out, and the
    rooms are not asked where they would wait for the database: a scrape is to tell of trouble in
    time and not to be a part of it."""

    def collect(self) -> Iterator[Metric]:
        answering = _answers(_database) and not sampling.exhausted()
        for source in (_parts, *(metrics.sources() if answering else ())):
            try:
                answers = list(source())
            except Exception:
                answers = []
            for name, help_text, labels, samples in answers:
                family = GaugeMetricFamily(name, help_text, labels=list(labels))
                for values, value in samples:
                    family.add_metric(list(values), value)
                yield family

    def describe(self) -> Iterable[Metric]:
        return ()


def _parts() -> Iterable[metrics.Answer]:
    up = {"database": _answers(_database), "valkey": _answers(_valkey)}
    yield (
        "metabrm_up",
        "Whether a part of the installation answers.",
        ("part",),
        [((part,), float(well)) for part, well in up.items()],
    )
    if up["valkey"]:
        yield from heart.answers()


def _answers(question: object) -> bool:
    try:
        question()  # type: ignore[operator]
    except Exception:
        return False
    return True


def _database() -> None:
    health.asked("SELECT 1")


def _valkey() -> None:
    heart.client().ping()


def _may(request: HttpRequest) -> bool:
    env = environment.current()
    kind, _, token = request.META.get("HTTP_AUTHORIZATION", "").partition(" ")
    if env.metrics_token and kind.casefold() == "bearer":
        return hmac.compare_digest(token.strip().encode(), env.metrics_token.encode())
    if not env.metrics_networks:
        return False
    sender = client_address(request)
    if sender == request.META.get("REMOTE_ADDR") and any(n in request.META for n in _PASSED_ON):
        # A proxy that is none of BRM_TRUSTED_PROXIES speaks for somebody.
        return False
    try:
        address = ipaddress.ip_address(sender)
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return any((mapped or address) in network for network in env.metrics_networks)
