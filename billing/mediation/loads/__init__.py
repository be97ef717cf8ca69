"""Loads: what is claimed, read, mapped, rated and finished, wherever it was killed meanwhile.

    claiming   a file becomes a load, once
    opening    the content of a load's file, wherever it lies
    running    who is at a load, that nobody else is; what happens when it fails
    mapping    records to usage in flight, in one transaction
    charged    what the lines of a load come to
    finishing  what became of the usage; where the file goes
    reversing  a whole load is taken back

A load is in one of these stages: "" (nothing is done that counts), MAPPED (its usage is in flight,
its shards are told), FINISHED (all is written, only its file is still to be put away), "DONE".
"""
