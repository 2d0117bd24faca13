"""The disk fills: whoever runs the force hears of it before uploads are refused."""

from collections import namedtuple

import pytest

from openbwv.server.people.todo import todo_for
from openbwv.server.vault import todo

Usage = namedtuple("Usage", "total used free")


@pytest.mark.parametrize(("free", "said"), [(900 << 20, "0.9 GB"), (0, "0.0 GB"), (50 << 30, "")])
def test_home_says_to_the_administrator_alone_that_the_disk_is_nearly_full(
    state, clock, lou, avery, monkeypatch, free, said
):
    monkeypatch.setattr(todo.shutil, "disk_usage", lambda _path: Usage(1 << 40, 0, free))
    lines = [line.words for line in todo_for(lou, clock) if line.words.startswith("The disk")]
    assert [said in line for line in lines] == ([True] if said else [])
    assert not any(line.words.startswith("The disk") for line in todo_for(avery, clock))
