"""A command that uses the embedded servers: says which, and holds them until its input ends."""

import sys

from metabrm import embedded, environment
from metabrm.embedded.place import Place
from metabrm.embedded.postgres import Postgres
from metabrm.embedded.valkey import Valkey
from metabrm.problems import told_in_one_line

with told_in_one_line(), embedded.servers():
    place = Place(environment.current().state_dir)
    pids = [
        process.pid if process else 0
        for process in (Postgres(place).process(), Valkey(place).process())
    ]
    print(*pids, flush=True)
    sys.stdin.read()
