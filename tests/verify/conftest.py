"""An agency, its camera, and `judge`, which runs the command as a person would."""

import json

import pytest

from openbwv.command import run
from openbwv.verify.cli import main
from tests.recording.factory import Agency


@pytest.fixture
def agency():
    return Agency()


@pytest.fixture
def camera(agency):
    return agency.camera()


@pytest.fixture(autouse=True)
def _no_installed_trust(monkeypatch, tmp_path_factory):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))


@pytest.fixture
def judge(capsys, tmp_path_factory):
    """Return `judge(path, agency=None, *options) -> (exit code, JSON)`; `revocations` lie beside the trust file."""

    def judge(path, agency=None, *options, revocations=None):
        arguments = [str(path), "--json", *map(str, options)]
        if agency is not None:
            trust = agency.write_trust(tmp_path_factory.mktemp("trust") / "trust.pem")
            arguments += ["--trust", str(trust)]
            if revocations is not None:
                trust.with_name("revocations.pem").write_bytes(revocations)
        capsys.readouterr()
        code = run(main, arguments)
        shown = json.loads(capsys.readouterr().out)
        assert {0: "genuine", 1: "changed", 2: "cannot-tell"}.get(code) == shown.get("verdict")
        return code, shown

    return judge


def codes(shown):
    return {reason["code"] for reason in shown["reasons"]}


def unseen(shown):
    return {reason["code"] for reason in shown["not_checked"]}
