"""The locks: pinned by hash, no machine or registry named, and each holds every pin of those it stands on."""

import re

import pytest

from tests.house.source import ROOT

FOLDER = ROOT / "requirements"
PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)([^\\]*)", re.M | re.I)


def pins(name):
    text = (FOLDER / f"{name}.lock").read_text(encoding="utf-8")
    return {match[1].lower(): match[2] for match in PIN.finditer(text)}


@pytest.mark.parametrize("name", ["run", "studies", "test"])
def test_every_pin_has_a_hash_and_nothing_else_is_named(name):
    text = (FOLDER / f"{name}.lock").read_text(encoding="utf-8")
    items = re.split(r"\n(?=[a-z0-9])", text, flags=re.I)[1:]
    assert len(items) == len(PIN.findall(text))
    assert all("--hash=sha256:" in item for item in items)
    assert "://" not in text
    assert not re.search(r"(^|[\s=])/\w+", text, re.M)
    assert "--index" not in text


def test_a_lock_holds_those_it_stands_on():
    assert pins("run").items() <= pins("studies").items() <= pins("test").items()


def test_what_is_asked_for_is_locked():
    for name in ("run", "studies", "test"):
        for line in (FOLDER / f"{name}.in").read_text(encoding="utf-8").splitlines():
            wanted = re.match(r"[A-Za-z0-9._-]+", line)
            if wanted and not line.startswith("-"):
                assert wanted[0].lower().replace("_", "-") in pins(name)
