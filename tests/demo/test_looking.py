"""What is typed in the interactive demo, and where it may begin."""

import fcntl
import os
import socket

import pytest

from openbwv.demo import cli, place
from openbwv.demo.looking import hours_typed


@pytest.mark.parametrize(
    ("typed", "hours"),
    [("6", 6), ("6h", 6), (" 12 \r", 12), ("31d", 744), ("2 D", 48), ("40d", 960)],
)
def test_hours_and_days_are_understood(typed, hours):
    assert hours_typed(typed) == hours


@pytest.mark.parametrize("typed", ["", "0", "-3", "1.5", "41d", "961", "soon", "6 hours", "٣d", "9" * 40])
def test_anything_else_asks_for_nothing(typed):
    assert hours_typed(typed) == 0


@pytest.fixture
def told():
    return []


def take(folder, told):
    return place.folder_for(str(folder), once=False, told=told.append)


def test_what_an_earlier_demo_left_is_removed_and_told(tmp_path, told):
    with take(tmp_path / "new", told) as folder:
        (folder / "state").mkdir()
        (folder / "state" / "key").write_text("old")
        (folder / "street.mp4").write_text("old")
    assert told == []
    with take(tmp_path / "new", told) as folder:
        assert [path.name for path in folder.iterdir()] == [place.MARKER]
    assert told == [f"Removing the pretend force that an earlier demo left in {folder}"]


def test_a_folder_in_which_another_demo_runs_is_left_alone(tmp_path, told):
    with take(tmp_path, told) as folder:
        (folder / "street.mp4").write_text("running")
        with pytest.raises(place.CannotStart, match="Another demo is running") as refused, take(tmp_path, told):
            pass
        assert refused.value.exit_code == 69
        assert (folder / "street.mp4").exists()
    with take(tmp_path, told):
        pass


def test_the_lock_is_not_handed_to_processes_that_the_demo_starts(tmp_path, told):
    with take(tmp_path, told), (tmp_path / place.MARKER).open() as other:
        held = [int(name) for name in os.listdir("/proc/self/fd") if _is(name, tmp_path / place.MARKER)]
        assert other.fileno() in held
        assert not any(os.get_inheritable(descriptor) for descriptor in held)
        with pytest.raises(BlockingIOError):
            fcntl.flock(other, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is(name, path):
    try:
        return os.readlink(f"/proc/self/fd/{name}") == str(path)
    except FileNotFoundError:
        return False


def test_somebody_elses_folder_is_refused_and_stays_as_it_is(tmp_path, told, capsys):
    (tmp_path / "thesis.txt").write_text("years of work")
    assert cli.main(["--state", str(tmp_path)]) == 73
    assert "holds something else" in capsys.readouterr().err
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_a_path_too_long_for_a_socket_is_refused_at_once(tmp_path, capsys):
    assert cli.main(["--state", str(tmp_path / ("long" * 30))]) == 73
    assert "Name a shorter one" in capsys.readouterr().err


def test_a_port_that_is_taken_is_refused_when_named_and_avoided_when_not(told, monkeypatch):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(place.CannotStart, match=f"Port {port} cannot be had"):
            place.page_port(port, once=False, told=told.append)
        monkeypatch.setattr(place, "USUAL_PORT", port)
        assert place.page_port(0, once=False, told=told.append) == 0
        assert told == [f"Port {port} is taken; another is used"]
    assert place.page_port(port, once=False, told=told.append) == port


def test_no_film_no_start(tmp_path, capsys):
    (tmp_path / "notes.csv").write_text("a,b\n1,2\n")
    for source, words in (
        (tmp_path / "none.mp4", "There is no"),
        (tmp_path / "notes.csv", "is no film"),
        (tmp_path, "is no film"),
    ):
        assert cli.main(["--source", str(source), "--state", str(tmp_path / "state")]) == 64
        assert words in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


def test_without_its_judges_it_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert cli.main(["--state", str(tmp_path / "state")]) == 69
    assert "lacks ffprobe, ffmpeg, openssl" in capsys.readouterr().err
    assert not (tmp_path / "state").exists()


@pytest.mark.parametrize("port", ["0", "-1", "65536", "http", "8000.5"])
def test_a_port_is_a_number_that_a_port_can_have(port, capsys):
    with pytest.raises(SystemExit) as ended:
        cli.main(["--port", port])
    assert ended.value.code == 64
