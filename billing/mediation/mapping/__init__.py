"""From the records of a load to usage in flight: whose it is, when, how much, of which product.

    casting    texts as numbers and dates, NULL where they are none
    fields     what a collector's mappings, filters and labels come to in SQL
    days       whether accounts have other days than the session
    whose      whose usage is, and what it is charged as
    statement  the one statement that maps all records of a load
    repeats    duplicates and what is consolidated, in the load and before it
    late       usage of periods that are closed
    controls   what header and trailer say

A bad value never ends a statement: it becomes the cause for which its record goes to suspense.
"""
