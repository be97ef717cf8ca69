"""`python -m metabrm.serve`: the whole product in one terminal, until Ctrl-C.

Servers up, schema and administrator in place, then the web server, the workers and the scheduler
under honcho, which prefixes their output and ends all of them when one ends or a signal comes.
"""

import os
import shlex
import socket
import sys
from pathlib import Path

from metabrm import embedded, environment
from metabrm.environment import Environment
from metabrm.problems import Problem, told_in_one_line

# The longest a web worker or a task may take to end once asked; honcho kills after five seconds.
LAST_SECONDS = 4
_GRANIAN_LOGS = Path(__file__).with_name("observability") / "granian.json"
# Bulk jobs that run at once.
BULK_PROCESSES = 2
# Loads of usage, or parts of them, that run at once.
USAGE_PROCESSES = 2


def main() -> None:
    """Serve until a signal comes; the exit code is that of the process that ended first."""
    with told_in_one_line():
        env = environment.current()
        address = listening_address(env.host, env.port)
        with embedded.servers(env):
            prepare()
            announce(env)
            code = supervise(env, address)
    raise SystemExit(code)


def listening_address(host: str, port: int) -> str:
    """The IP address of `host`; raises Problem if the web server could not listen there."""
    try:
        family, kind, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except socket.gaierror:
        raise Problem(f"BRM_HOST {host} is not a name this machine can resolve") from None
    with socket.socket(family, kind) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except PermissionError:
            raise Problem(
                f"BRM_PORT {port} may not be used by an ordinary user; choose one above 1023"
            ) from None
        except OSError as error:
            if "in use" in os.strerror(error.errno or 0):
                raise Problem(
                    f"BRM_PORT {port} on {host} is taken by another program;"
                    " stop it or set BRM_PORT to a free port"
                ) from None
            raise Problem(f"BRM_HOST {host} is not an address of this machine") from None
    return str(address[0])


def prepare() -> None:
    """Bring the schema up to date and make sure that somebody can sign in."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "metabrm.settings")
    import django
    from django.core.management import call_command
    from django.db import connection

    django.setup()
    from metabrm.identity.services import ensure_admin

    call_command("migrate", interactive=False)
    ensure_admin()
    connection.close()
    connection.close_pool()  # its threads would not survive the forks of the supervisor


def announce(env: Environment) -> None:
    """Say where the product is and how to get in; never the password itself."""
    host = f"[{env.host}]" if ":" in env.host else env.host
    url = f"http://{host}:{env.port}"
    password = "BRM_ADMIN_PASSWORD" if env.admin_password else str(env.admin_password_file)
    print(
        f"\n  metabrm   {url}/"
        f"\n  admin     {url}/admin/"
        f"\n  health    {url}/health/ready"
        f"\n  sign in   as {env.admin_username}, password in {password}"
        "\n  stop      Ctrl-C\n",
        flush=True,
    )


def web_server(
    env: Environment, address: str, port: int, application: str = "metabrm.wsgi:application"
) -> list[str]:
    """Arguments of the Python command that serves `application`."""
    from django.conf import settings

    return [
        *("-m", "granian", "--interface", "wsgi", "--host", address, "--port", str(port)),
        *("--workers", str(env.web_workers), "--blocking-threads", str(settings.WEB_THREADS)),
        *("--respawn-failed-workers", "--workers-kill-timeout", str(LAST_SECONDS)),
        # Each request has its line from the application, which knows more about it.
        *("--no-access-log", "--log-config", str(_GRANIAN_LOGS)),
        application,
    ]


def supervise(env: Environment, address: str) -> int:
    """Run web, workers and scheduler until one ends or a signal comes; returns the exit code."""
    from honcho.manager import Manager
    from honcho.printer import Printer

    from metabrm.observability import logs, metrics

    metrics.clear()
    form = env.log_format or logs.default_format()
    celery = ["-m", "celery", "--quiet", "-A", "metabrm.celery"]
    level = f"--loglevel={env.log_level}"
    worker = [*celery, "worker", level, "--without-gossip", "--without-mingle"]
    commands = {
        "web": web_server(env, address, env.port),
        "worker": worker,
        # Bulk jobs take minutes, each in a process.
        "bulk": [*worker, "-Q", "bulk", "-n", "bulk@%h", f"--concurrency={BULK_PROCESSES}"],
        "mediation": [
            *(*worker, "-Q", "mediation", "-n", "mediation@%h"),
            f"--concurrency={USAGE_PROCESSES}",
        ],
        "scheduler": [*celery, "beat", level, "--pidfile="],
    }
    # Who reads JSON wants nothing in front of it.
    manager = Manager(Printer(sys.stdout, prefix=form == "console"))
    variables = {**os.environ, "PYTHONUNBUFFERED": "1", "BRM_LOG_FORMAT": form}
    for name, command in commands.items():
        # Through exec, so that the signal reaches the program and not a shell around it.
        line = "exec " + shlex.join([sys.executable, *command])
        manager.add_process(name, line, env=variables)
    manager.loop()
    return int(manager.returncode or 0)


if __name__ == "__main__":
    main()
