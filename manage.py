#!/usr/bin/env python
"""Django's commands, with PostgreSQL and Valkey at hand for as long as the command runs."""

import os
import sys

from metabrm.problems import told_in_one_line

WITHOUT_SERVERS = {
    "help",
    "version",
    "--help",
    "-h",
    "--version",
    "compilemessages",
    "makemessages",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metabrm.settings")
    from django.core.management import execute_from_command_line

    with told_in_one_line():
        if not WITHOUT_SERVERS.isdisjoint(sys.argv[1:]) or len(sys.argv) == 1:
            execute_from_command_line(sys.argv)
        else:
            from metabrm import embedded

            with embedded.servers():
                execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
