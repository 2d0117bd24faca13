"""Whoever runs the force hears of a disk that fills before uploads are refused, and of how the backup stands."""

import json
from collections import namedtuple

import pytest

from openbwv.server.people.todo import todo_for
from openbwv.server.vault import todo
from openbwv.server.vault.backup import NOTE_FILE

DAY_MS = 86_400_000
Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(("free", "said"), [(900 << 20, "0.9 GB"), (0, "0.0 GB"), (50 << 30, "")])
def test_home_says_to_the_administrator_alone_that_the_disk_is_nearly_full(
    state, clock, lou, avery, monkeypatch, free, said
):
    monkeypatch.setattr(todo.shutil, "disk_usage", lambda _path: Usage(1 << 40, 0, free))
    lines = [line.words for line in todo_for(lou, clock) if line.words.startswith("The disk")]
    assert [said in line for line in lines] == ([True] if said else [])
    assert not any(line.words.startswith("The disk") for line in todo_for(avery, clock))


@pytest.mark.parametrize(
    ("note", "said", "level"),
    [
        (None, "One copy only; last backup: never", "urgent"),
        ({"openable": False}, "The last backup can no longer be opened; make a new one", "urgent"),
        ({"age_ms": 2 * DAY_MS + 1000}, "Last backup: Wed 18 Nov 2026", "soon"),
        ({"age_ms": 2 * DAY_MS}, None, None),
    ],
)
def test_home_says_how_the_backup_stands(state, clock, lou, avery, note, said, level):
    if note is not None:
        made_ms = clock.utc_ms() - note.pop("age_ms", 0)
        facts = {"made_ms": made_ms, "place": "/mnt", "keys_place": "", "kek_id": "k", "openable": True} | note
        (state / NOTE_FILE).write_text(json.dumps(facts), encoding="utf-8")
    lines = [(line.words, line.level) for line in todo_for(lou, clock) if "backup" in line.words]
    assert lines == ([(said, level)] if said else [])
    assert not any("backup" in line.words for line in todo_for(avery, clock))
