"""The tests' servers: an embedded pair of its own for each run, so runs never meet.

The process that controls the run starts them and stops them; the workers that pytest-xdist adds
find them through the environment they inherit, each with a database and a Valkey number of its
own. With DATABASE_URL or REDIS_URL set, the tests use that server instead; --reuse-db then keeps
the installed database, of which each worker has a copy, for the next run.
"""

from __future__ import annotations

import os
import shutil
import tempfile
from base64 import b64encode
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import django
import psutil
import pytest

from metabrm import embedded
from metabrm.embedded.place import Place
from metabrm.embedded.postgres import Postgres
from metabrm.embedded.valkey import Valkey
from metabrm.environment import read
from metabrm.environment.variables import VARIABLES
from metabrm.problems import Problem
from tests.pristine import Pristine

if TYPE_CHECKING:
    from pytest_django.plugin import DjangoDbBlocker

# What its checks compare is shown when they fail.
pytest.register_assert_rewrite("tests.served")

PREFIX = "metabrm-tests-"
WORKER = os.environ.get("PYTEST_XDIST_WORKER")


def _forget_the_callers_environment() -> None:
    """What somebody set for a server of theirs must not change what the tests see."""
    for variable in VARIABLES:
        if not variable.name.endswith("_URL"):
            os.environ.pop(variable.name, None)


def _remove_what_killed_runs_left() -> None:
    for state in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        pid = state.name.removeprefix(PREFIX).split("-")[0]
        # Another run may be removing the same.
        with suppress(FileNotFoundError):
            if state.stat().st_uid == os.geteuid() and not psutil.pid_exists(int(pid)):
                for server in (Postgres(Place(state)), Valkey(Place(state))):
                    server.stop()
                shutil.rmtree(state, ignore_errors=True)


def _numbered(url: str, number: int) -> str:
    """The same Valkey, another of its numbered databases."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return f"unix://{parts.netloc}{parts.path}?db={number}"
    return parts._replace(path=f"/{number}").geturl()


# Done on import, before pytest-django reads the settings, which read the environment.
os.environ["DJANGO_SETTINGS_MODULE"] = "metabrm.settings"
if WORKER is None:
    _forget_the_callers_environment()
    # With somebody else's database there is no key but the one that is given.
    os.environ["BRM_FIELD_KEYS"] = "tests:" + b64encode(b"tests-" * 10 + b"only").decode()
    # Counted as everywhere, but no test waits for another one.
    os.environ["BRM_RATE_LIMIT"] = "1000000:1000000:100000000"
    os.environ["BRM_STATE_DIR"] = tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-")
else:
    os.environ["REDIS_URL"] = _numbered(
        embedded.cache_url(read(os.environ)), int(WORKER.removeprefix("gw")) + 1
    )


def _pristine(config: pytest.Config) -> Pristine:
    kept = config.getoption("reuse_db") and not config.getoption("create_db")
    entry = embedded.database(read(os.environ))
    return Pristine(entry, run=os.environ["BRM_STATE_DIR"], kept=bool(kept))


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    if WORKER is None:
        _remove_what_killed_runs_left()
        try:
            embedded.start(read(os.environ), durable=False)
        except Problem as problem:
            pytest.exit(str(problem), returncode=2)
        if config.getoption("numprocesses", None):
            # The workers are going to need it once they have collected their tests.
            Thread(target=_pristine(config).install, daemon=True).start()
    # pytest-django sets Django up by itself only where the settings were named before this file.
    django.setup()
    if WORKER is None:
        # A worker that inherited it would read the settings before the lines above give it its own
        # Valkey number.
        os.environ.pop("DJANGO_SETTINGS_MODULE", None)


@pytest.hookimpl(trylast=True)
def pytest_unconfigure(config: pytest.Config) -> None:
    if WORKER is None:
        env = read(os.environ)
        if not config.getoption("reuse_db"):
            _pristine(config).drop()
        embedded.stop(env)
        shutil.rmtree(env.state_dir, ignore_errors=True)


@pytest.fixture(scope="session", autouse=True)
def _contexts_of_pages_alone(django_test_environment: None) -> None:
    """What a response tells of its context is that of its page: Django's own way to tell copies the
    context of each of the thousand pieces that a page is made of, which takes half of its time."""
    from django.template import RequestContext, Template
    from django.template.context import BaseContext
    from django.test.signals import template_rendered

    def render(self: Template, context: BaseContext) -> str:
        if isinstance(context, RequestContext) and context.template is self:
            template_rendered.send(sender=self, template=self, context=context)
        return self.nodelist.render(context)

    Template._render = render


@pytest.fixture(scope="session")
def pristine(request: pytest.FixtureRequest) -> Pristine:
    """The installed database, to be copied."""
    return _pristine(request.config)


@pytest.fixture(scope="session")
def django_db_setup(
    pristine: Pristine, django_test_environment: None, django_db_blocker: DjangoDbBlocker
) -> Iterator[None]:
    """Django has a copy of the installed database, and another one after each test that commits."""
    from django.db import connection
    from django.test import TransactionTestCase

    from entities.schema.current import current, forget

    name = f"test_metabrm_{WORKER or 'alone'}"

    def restore(case: object) -> None:
        connection.close()
        connection.close_pool()
        pristine.restore(name)
        forget()
        current()  # tests that never commit would each build one of their own

    with pristine.copied(name), pytest.MonkeyPatch.context() as patch:
        patch.setitem(connection.settings_dict, "NAME", name)
        patch.setattr(TransactionTestCase, "_fixture_teardown", restore)
        yield
        with django_db_blocker.unblock():
            connection.close()
            connection.close_pool()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if WORKER is not None:
        from tests.together import the_longest_first

        the_longest_first(items)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers(config: pytest.Config) -> int:
    """One more than there are processors: some test always waits for a server to start or stop."""
    return (os.cpu_count() or 1) + 1


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    from tests.together import Together

    return Together(config, log)
