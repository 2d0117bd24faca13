import pytest

from tests.dock.devices import Camera, DockProcess, make_dock_store
from tests.dock.fake_door import running
from tests.dock.force import Force


@pytest.fixture(scope="module")
def force():
    return Force()


@pytest.fixture
def server(force, tmp_path):
    with running(force, tmp_path / "server") as fake:
        yield fake


@pytest.fixture
def dock(force, server, tmp_path):
    """A dock that reaches the fake server."""
    make_dock_store(force, tmp_path / "dock", door_url=server.url)
    dock = DockProcess(tmp_path / "dock").start()
    yield dock
    dock.stop()


@pytest.fixture
def lone_dock(force, tmp_path):
    """A dock whose server cannot be reached."""
    make_dock_store(force, tmp_path / "dock", door_url="https://127.0.0.1:9")
    dock = DockProcess(tmp_path / "dock").start()
    yield dock
    dock.stop()


@pytest.fixture
def camera(force, tmp_path):
    return Camera(force, tmp_path / "cameras")
