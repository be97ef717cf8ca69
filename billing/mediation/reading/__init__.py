"""The records of a source of usage, from its bytes into a table, each with its line.

    layout     how records are written, and where in a record a value stands
    unpacking  gz and zip, within limits
    body       the lines of a text between its header and its trailer
    delimited  values between delimiters, record by record
    fields     JSON, XML and Parquet: the values at given paths
    staging    the table of a load, filled by COPY
    sessions   where the tables of a large load are

What is wrong with the source as a whole is raised as `UnreadableError`; what is wrong with a record
is kept with it, and the next one is read as if nothing had been.
"""

from billing.mediation.reading.layout import Layout, UnreadableError
from billing.mediation.reading.sessions import Sessions
from billing.mediation.reading.staging import TABLE, Staged, stage

__all__ = ["TABLE", "Layout", "Sessions", "Staged", "UnreadableError", "stage"]
