"""The console in figures, as Prometheus reads them: `GET /metrics`, for whoever sends the word of WAYBILL_METRICS.

Everything is counted from rows at the moment of the question. So any process gives the same answer, a restart resets
nothing, and there is nothing to add up over processes. What has ended is counted over the last 24 hours: that needs
one index, however many operations there were before.
"""

from __future__ import annotations

import hmac
import time
import uuid
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.conf import settings
from django.db import DatabaseError
from django.db.models import Count, Max, Min, Q, Sum
from django.db.models.fields.json import KT
from django.http import Http404, HttpRequest, HttpResponse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CollectorRegistry
from prometheus_client.core import GaugeMetricFamily as Gauge
from prometheus_client.exposition import choose_encoder
from prometheus_client.registry import Collector

from clusters.models import Cluster
from operations import registry, states
from operations.models import Duty, Operation

AWAITED = ("cluster", "registry", "docker")
"""What an operation may wait for, besides a worker."""
DAY = timedelta(hours=24)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Answer with all figures; 404 while WAYBILL_METRICS is not set, 401 without its word, 503 without a database."""
    word = settings.WAYBILL_METRICS
    if word is None:
        raise Http404
    scheme, _, given = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not hmac.compare_digest(given.strip().encode(), word.encode()):
        return HttpResponse(status=401, headers={"WWW-Authenticate": "Bearer"}, content_type="text/plain")
    encode, kind = choose_encoder(request.headers.get("Accept", ""))
    asked = CollectorRegistry(auto_describe=False)
    asked.register(Figures())
    try:
        return HttpResponse(encode(asked), content_type=kind)
    except DatabaseError:
        return HttpResponse(status=503, content_type="text/plain")


class Figures(Collector):
    """Counts when it is asked, with a fixed number of queries."""

    def describe(self) -> Iterable[Gauge]:
        """Name nothing beforehand: registering must not ask the database."""
        return ()

    def collect(self) -> Iterator[Gauge]:
        """Give every figure."""
        now = timezone.now()
        yield from _operations(now)
        yield from _queue(now)
        yield from _leases(now)
        yield from _clusters(now)
        yield from _duties(now)


def since(moment: datetime) -> uuid.UUID:
    """Give the smallest id of a row made at or after `moment`: ids begin with the time, in milliseconds."""
    return uuid.UUID(int=int(moment.timestamp() * 1000) << 80)


def _work() -> Q:
    """What workers carry out; a batch only stands for its parts."""
    return Q(is_batch=False)


def _operations(now: datetime) -> Iterator[Gauge]:
    rows = Operation.objects.active().filter(_work()).order_by().values_list("kind", "state")
    counted = {(kind, state): n for kind, state, n in rows.annotate(n=Count("pk"))}
    active = Gauge("waybill_operations_active", "Operations that have not ended", labels=("kind", "state"))
    # Every kind has its three figures from the start: an alert needs a zero to rise from.
    for kind in sorted({*registry.kinds(), *(kind for kind, _ in counted)}):
        for state in states.ACTIVE:
            active.add_metric((kind, state), counted.get((kind, state), 0))
    yield active

    day = Operation.objects.filter(_work(), pk__gte=since(now - DAY), state__in=states.TERMINAL).order_by()
    by_state = {(k, s): n for k, s, n in day.values_list("kind", "state").annotate(n=Count("pk"))}
    ended = Gauge(
        "waybill_operations_ended_day", "Operations begun within 24 hours that have ended", labels=("kind", "state")
    )
    for kind in sorted({*registry.kinds(), *(kind for kind, _ in by_state)}):
        for state in states.TERMINAL:
            ended.add_metric((kind, state), by_state.get((kind, state), 0))
    yield ended


def _queue(now: datetime) -> Iterator[Gauge]:
    active = Operation.objects.active().filter(_work()).order_by()
    oldest = active.filter(state="queued", not_before__lte=now).aggregate(at=Min("created_at"))["at"]
    text = "Seconds the oldest operation has been waiting for a worker, 0 when none is"
    yield Gauge("waybill_queue_age_seconds", text, value=_seconds(now, oldest))

    waiting = active.filter(state="waiting").values_list(KT("waiting_for__kind")).annotate(n=Count("pk"))
    counted = dict(waiting)
    away = Gauge("waybill_operations_waiting", "Operations that wait for something that is away", labels=("for",))
    for what in AWAITED:
        away.add_metric((what,), counted.get(what, 0))
    yield away


def _leases(now: datetime) -> Iterator[Gauge]:
    held = Operation.objects.active().filter(lease_until__isnull=False).order_by()
    counts = held.aggregate(
        held=Count("pk", filter=Q(lease_until__gte=now)), out=Count("pk", filter=Q(lease_until__lt=now))
    )
    yield Gauge("waybill_leases_held", "Operations that a worker carries out at this moment", value=counts["held"])
    text = "Operations whose worker went silent and that no other has taken over yet"
    yield Gauge("waybill_leases_run_out", text, value=counts["out"])
    lost = Operation.objects.filter(pk__gte=since(now - DAY)).aggregate(n=Sum("attempts"))["n"]
    text = "Leases that were lost by operations begun within 24 hours"
    yield Gauge("waybill_leases_lost_day", text, value=lost or 0)


def _clusters(now: datetime) -> Iterator[Gauge]:
    names = ("enterprise", "cluster")
    health = Gauge("waybill_cluster_health", "1 for the state a cluster is in, else 0", labels=(*names, "state"))
    seen = Gauge("waybill_cluster_silent_seconds", "Seconds since a cluster answered", labels=names)
    text = "When the credential of a cluster ends, as Unix time; none when it does not end"
    expires = Gauge("waybill_cluster_credential_expires_timestamp_seconds", text, labels=names)
    found = Cluster.objects.connected().order_by("enterprise__slug", "slug")
    columns = ("enterprise__slug", "slug", "health", "seen_at", "credential_expires_at")
    for enterprise, slug, state, seen_at, ends in found.values_list(*columns):
        for each in Cluster.Health.values:
            health.add_metric((enterprise, slug, each), int(each == state))
        if seen_at is not None:
            seen.add_metric((enterprise, slug), _seconds(now, seen_at))
        if ends is not None:
            expires.add_metric((enterprise, slug), ends.timestamp())
    yield from (health, seen, expires)


def _duties(now: datetime) -> Iterator[Gauge]:
    """How late what recurs is. A kind that this version does not know is done by nobody, and so not counted."""
    known = sorted(duty.kind for duty in registry.duties())
    idle = Q(lease_until=None) | Q(lease_until__lt=now)  # one at work is not late, however long it takes
    failed = Q(last_code__isnull=False) & ~Q(last_code="ok")
    rows = Duty.objects.filter(kind__in=known).order_by().values_list("kind")
    figures = rows.annotate(
        n=Count("pk"), due=Min("next_at", filter=idle), bad=Count("pk", filter=failed), long=Max("last_seconds")
    )
    late = Gauge("waybill_duty_late_seconds", "Seconds the latest duty of a kind is overdue", labels=("kind",))
    failing = Gauge("waybill_duty_failing", "Duties of a kind whose last run failed", labels=("kind",))
    longest = Gauge("waybill_duty_seconds", "How long the longest last run of a kind took", labels=("kind",))
    count = Gauge("waybill_duties", "Duties of a kind", labels=("kind",))
    for kind, n, due, bad, seconds in figures:
        count.add_metric((kind,), n)
        late.add_metric((kind,), _seconds(now, due))
        failing.add_metric((kind,), bad)
        longest.add_metric((kind,), seconds or 0)
    yield from (count, late, failing, longest)
    yield Gauge("waybill_time_seconds", "The console's clock, as Unix time", value=time.time())


def _seconds(now: datetime, moment: datetime | None) -> float:
    return 0 if moment is None else max(0.0, (now - moment).total_seconds())
