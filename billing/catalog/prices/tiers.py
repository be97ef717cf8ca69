"""Bands make tiers: one after the other, without a gap, in the order of their quantities."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any

from django.db import connection

from billing.catalog.bands import UNLIMITED, Band, border, gap_in, ladders
from billing.catalog.models.prices import PRICE_OWNERS
from billing.changes import changed, mentions, some
from entities.errors import Code
from entities.fieldtypes.numbers import plain
from entities.records import UNSET, Batch
from entities.schema.description import quote
from metabrm.entity import api_name

OWNERS = tuple(api_name(o if o.endswith("_id") else f"{o}_id") for o in PRICE_OWNERS)

#: The columns of a Band.
_BAND = ("lower_band", "upper_band", "effective_date", "end_date", "rate_order")

#: What makes a tier: prices that agree in all of it are bands of one.
TIER = (*OWNERS, "CurrencyCode", "MainPricingPlanId", "RatingMethodId")
BANDS = ("LowerBand", "UpperBand")
DAYS = ("EffectiveDate", "EndDate")


def settle_blocks(batch: Batch) -> None:
    """So many blocks of one size are as wide as they are together."""
    names = ("LowerBand", "UpperBand", "BlockSize", "BlockIterations")
    if not mentions(batch, *names):
        return
    lower, upper, size, blocks = (batch.effective(name) for name in names)
    sent = batch.sent("UpperBand")
    settled = list(sent)
    for index in changed(batch, *names):
        if size[index] is None or not blocks[index] or lower[index] is None:
            continue
        width = size[index] * blocks[index]
        right = border(lower[index]) + width
        if sent[index] not in (UNSET, UNLIMITED, right):
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"UpperBand is {plain(upper[index])}, but {blocks[index]} blocks of "
                f"{plain(size[index])} from {plain(border(lower[index]))} end at {plain(right)}; "
                f"send that, or leave UpperBand out.",
                "UpperBand",
            )
        settled[index] = right
    if settled != sent:
        batch.put("UpperBand", settled)


def check_tiers(batch: Batch) -> None:
    """Bands follow each other without a gap and in the order of RateOrder."""
    names = ("LowerBand", "UpperBand", "EffectiveDate", "EndDate", "RateOrder")
    values = [batch.effective(name) for name in names]
    lower, upper = values[:2]
    _begin_with_what_is_included(batch, lower)
    keys = list(zip(*(batch.effective(name) for name in TIER), strict=True))
    asked = [
        i
        for i in changed(batch, *TIER, *names)
        if lower[i] is not None and upper[i] is not None and (lower[i] or upper[i] != UNLIMITED)
    ]
    tiers = {keys[i] for i in asked}
    if not tiers:
        return
    sent: dict[tuple[Any, ...], list[Band]] = defaultdict(list)
    for index in batch.live:
        if keys[index] in tiers and lower[index] is not None and upper[index] is not None:
            low, up, first, last, order = (column[index] for column in values)
            sent[keys[index]].append(Band(low, up, first, last, order, index))
    standing = _standing(batch, tiers)
    for key, bands in _coming(batch).items():
        standing[key] += bands
    numbered = list(batch.sent("RateOrder"))
    for key, bands in sent.items():
        if not batch.stored:
            bands = _numbered(bands, standing[key])
            for band in bands:
                if band.index is not None:
                    numbered[band.index] = band.order
        written = frozenset(bands)
        whole = [*bands, *standing[key]]
        if any(b.lower == 0 for b in bands) and any(b.upper == UNLIMITED for b in bands):
            gap = gap_in(whole, written)
            if gap is not None:
                for band in bands:
                    batch.fail(
                        band.index or 0,
                        Code.VALIDATION_FAILED,
                        f"The bands of the price leave a gap: {gap}. Send a band for them too; the "
                        f"next LowerBand is the UpperBand before, or that and 0.0000000001.",
                        "LowerBand",
                    )
                continue
        _keep_order(batch, whole)
    if not batch.stored:
        batch.put("RateOrder", numbered)


def _begin_with_what_is_included(batch: Batch, lower: Sequence[Any]) -> None:
    for name in ("IncludedQuantity", "IncludedCharges"):
        if not mentions(batch, name, "LowerBand"):
            continue
        values = batch.effective(name)
        for index in changed(batch, name, "LowerBand"):
            if values[index] is not None and lower[index]:
                batch.fail(
                    index,
                    Code.VALIDATION_FAILED,
                    f"{name} is {plain(values[index])}, but what is included comes first; send it "
                    f"with the band whose LowerBand is 0.",
                    name,
                )


def _standing(batch: Batch, tiers: Iterable[tuple[Any, ...]]) -> dict[tuple[Any, ...], list[Band]]:
    """The bands of the tiers that the batch does not write, by tier."""
    columns = [quote(batch.schema.field(name).column or "") for name in TIER]
    wanted: dict[str, set[int]] = defaultdict(set)
    plans: set[int] = set()
    plan = TIER.index("MainPricingPlanId")
    for key in tiers:
        owned = [(c, v) for c, v in zip(columns, key[: len(OWNERS)], strict=False) if v is not None]
        for column, value in owned:
            wanted[column].add(value)
        if not owned and key[plan] is not None:
            plans.add(key[plan])
    if plans:
        wanted[columns[plan]] = plans
    if not wanted:
        return defaultdict(list)
    held = " OR ".join(f"{column} = ANY(%s)" for column in wanted)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {', '.join([*columns, *_BAND])} FROM catalog_pricing "  # noqa: S608 (names)
            f"WHERE ({held}) AND deleted_at IS NULL AND id <> ALL(%s::bigint[])",
            [*(list(ids) for ids in wanted.values()), some(batch.ids)],
        )
        rows = cursor.fetchall()
    standing: dict[tuple[Any, ...], list[Band]] = defaultdict(list)
    for row in rows:
        standing[row[: len(TIER)]].append(Band(*row[len(TIER) :]))
    return standing


def _coming(batch: Batch) -> dict[tuple[Any, ...], list[Band]]:
    """The bands that an upsert creates once it has updated those of this batch, by tier."""
    coming: dict[tuple[Any, ...], list[Band]] = defaultdict(list)
    whole = batch.whole
    if whole is None or not batch.stored:
        return coming
    here = set(batch.places)
    keys = list(zip(*(whole.effective(name) for name in TIER), strict=True))
    names = (*BANDS, *DAYS, "RateOrder")
    lower, upper, first, last, orders = (whole.effective(name) for name in names)
    for index in whole.live:
        if whole.places[index] not in here and None not in (lower[index], upper[index]):
            band = Band(lower[index], upper[index], first[index], last[index], orders[index] or 1)
            coming[keys[index]].append(band)
    return coming


def _numbered(bands: list[Band], standing: Sequence[Band]) -> list[Band]:
    """The new bands, those that say nothing of their order with the place they have."""
    lowers = sorted({b.lower for b in (*bands, *standing)})
    place = {lower: number for number, lower in enumerate(lowers, start=1)}
    return [
        replace(band, order=place[band.lower]) if band.order == 1 and band.lower else band
        for band in bands
    ]


def _keep_order(batch: Batch, bands: Iterable[Band]) -> None:
    """On no day a band comes before a lower one, of those that say where they come."""
    for _, _, ladder in ladders(b for b in bands if b.order > 1 or not b.lower):
        for below, band in pairwise(ladder):
            if band.order >= below.order or band.lower == below.lower:
                continue
            index = below.index if band.index is None else band.index
            if index is None or index in batch.problems:
                continue
            batch.fail(
                index,
                Code.VALIDATION_FAILED,
                f"RateOrder {band.order} of the band from {plain(band.lower)} comes before "
                f"RateOrder {below.order} of the band from {plain(below.lower)}; bands are "
                f"numbered from 1 in the order of their quantities.",
                "RateOrder",
            )
