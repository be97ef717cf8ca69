"""What the tests of workflow rules share: an environment to set, and somebody who receives."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:  # Django is set up only after this file has been read
    from tests.entities.automation.receiver import Receiver


@pytest.fixture
def setting(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Sets values of the environment: `setting(mail_from="a@example.com")`."""
    from metabrm import environment

    def change(**values: Any) -> None:
        changed = replace(environment.current(), **values)
        monkeypatch.setattr(environment, "current", lambda: changed)

    return change


@pytest.fixture
def receiver(setting: Callable[..., None]) -> Iterator[Receiver]:
    """A web server on this machine that webhooks may call."""
    from tests.entities.automation.receiver import receiving

    setting(webhook_private_hosts=("127.0.0.1",))
    with receiving() as found:
        yield found
