"""Usage in flight becomes lines: priced, added up, rounded and written, a shard at a time.

shards   a shard in its one transaction
prices   what the shard asks of the price book, and what its lines need to know of the answers
lines    the columns of a line; the lines that one look at their price prices
long     the way of the others: over bands
routes     by where the usage came from and went to
sums       by what was used before in the same period
prepaid  what draws on what was paid before
custom   the custom fields that usage fills
"""

from billing.rating.loads.shards import rate

__all__ = ["rate"]
