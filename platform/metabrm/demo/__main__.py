"""`python -m metabrm.demo`: start the product, load a company, change it, ask about it.

Exit code 0 when everything went as it should, 1 when something unexpected happened, 2 when the demo
could not be played (a taken port, a wrong setting), each told in a line.
"""

import importlib.util
import logging
import time

from metabrm import environment
from metabrm.environment import Environment
from metabrm.problems import Problem, told_in_one_line


def main() -> None:
    """Play the demo and exit."""
    # The client remarks on its own sessions through the root logger.
    logging.getLogger().setLevel(logging.ERROR)
    with told_in_one_line():
        _check_client()
        raise SystemExit(_play(environment.current()))


def _check_client() -> None:
    for name in ("billingplatform", "requests"):
        if importlib.util.find_spec(name) is None:
            raise Problem(
                f"the demo needs the package {name}, which is not installed;"
                " run `make demo` in a checkout of the repository"
            )


def _play(env: Environment) -> int:
    # Only here: these import the packages that were just looked for.
    from metabrm.demo import changes, fixtures, integrator, loading, mistakes, product, queries
    from metabrm.demo.telling import Telling

    telling = Telling()
    begun = time.perf_counter()
    files = fixtures.read_all()
    telling.line("The demo: Brightmere Cloud & Mobile, a company that sells lines and software")
    try:
        with product.running(env, telling.line) as url:
            with integrator.signed_in(url, env) as client:
                telling.line(f"Signed in as {env.admin_username} with the public client.")
                loading.load(client, files, telling)
                changes.change(client, telling)
                entities = list(dict.fromkeys(file.entity for file in files))
                queries.ask(client, entities, telling)
                mistakes.make(client, telling)
            telling.line(f"\nEverything went as it should, in {_seconds(begun)}.")
    except integrator.Surprise as surprise:
        telling.failure(str(surprise))
        telling.line(f"The demo ended early, after {_seconds(begun)}.")
        return 1
    password = f"in {product.shown(env.admin_password_file)}"
    if env.admin_password:
        password = "as set in BRM_ADMIN_PASSWORD"
    telling.line(
        "\nTo go on:"
        "\n  make serve   starts the product and leaves it running, with all that was loaded"
        f"\n  the admin    {url}/admin/"
        f"\n  sign in      as {env.admin_username}, password {password}"
        f"\n  the API      {url}/{env.org}/rest/2.0/"
    )
    return 0


def _seconds(begun: float) -> str:
    return f"{time.perf_counter() - begun:.1f} seconds"


if __name__ == "__main__":
    main()
