"""How large a query and its answer can be.

What one statement may cost is bounded three times: by its text, here and in the parser; by the rows
of its answer; and by the time it may run, whatever it does.
"""

#: Rows of an answer; more are asked for page by page.
MAX_ROWS = 10_000
#: Rows of all child lists of an answer together.
MAX_CHILD_ROWS = 50_000
#: Characters of a query.
MAX_LENGTH = 32 * 1024
#: SELECTs of a query, the outermost one included.
MAX_SELECTS = 24
#: SELECTs inside one another.
MAX_NESTED = 6
#: Tables of a query: sources, and relations followed.
MAX_TABLES = 32
#: Characters of a text that a query makes.
MAX_TEXT = 32_767
#: Characters that REPLACE may come to at most, before it is known how many they are.
MAX_GROWN = 1_000_000
#: Texts put together in one place.
MAX_PIECES = 2_000
#: Characters of SQL that one expression may become.
MAX_SQL = 128 * 1024
