"""Real processes that die at a named place when a test orders it (see faults/sitecustomize.py)."""

import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

from openbwv.demo.clock import ClockService, MovableClock
from tests.scenarios.force import RealForce, wait_until

FAULTS = Path(__file__).parent / "faults"
ROOT = Path(__file__).parents[2]
LONG_S = 120.0
HOUR_MS = 3_600_000


class Kill(NamedTuple):
    """Who dies, in which function below openbwv, before or after its nth call."""

    who: str
    place: str
    when: str
    nth: int = 1

    def __str__(self):
        return f"{self.who} {self.when} {self.place.rpartition('.')[2]}" + (f" {self.nth}" if self.nth > 1 else "")

    @property
    def point(self):
        """The place with its whole name."""
        return f"openbwv.{self.place}"


class Orders:
    """Orders to die, for processes that are started with `environment`, each in a process group of its own."""

    def __init__(self, folder, kills):
        self.file = folder / "order"
        self.last = None
        self._points = "\n".join(sorted({kill.point for kill in kills}))

    def environment(self, role):
        """Return what makes a process obey orders given to `role`."""
        path = os.pathsep.join([str(FAULTS), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")])
        return {"PYTHONPATH": path, "KILL_POINTS": self._points, "KILL_ORDER": str(self.file), "KILL_ROLE": role}

    def give(self, kill):
        """Have the next process of that role that comes to the place die there."""
        self._obeyed.unlink(missing_ok=True)
        self.last = kill
        part = self.file.with_suffix(".part")
        part.write_text(f"{kill.who} {kill.point} {kill.when} {kill.nth}", encoding="ascii")
        part.rename(self.file)

    @property
    def _obeyed(self):
        return self.file.with_name("order.obeyed")

    def obeyed(self):
        """Say whether the last order was obeyed."""
        return self._obeyed.exists()


class MortalForce(RealForce):
    """A pretend force whose processes die when they are ordered to."""

    apart = True

    def __init__(self, folder, kills):
        super().__init__(folder, "--pretend")
        self.orders = Orders(folder, kills)
        self.clock = MovableClock(time.time_ns() // 1_000_000)
        self.service = ClockService(self.state / "run" / "clock.sock", self.clock)
        self.environment["BWV_CLOCK_SOCKET"] = str(self.service.path)

    def start(self, name, *arguments, environment=None):
        """Start a process that can be ordered to die."""
        return super().start(name, *arguments, environment=(environment or {}) | self.orders.environment(name))

    def bury(self, name):
        """Wait until the process is gone as ordered, and collect it."""
        wait_until(self.orders.obeyed, seconds=LONG_S, what=f"the death of {name}, {self.orders.last},")
        process = self.processes.pop(name)
        process.wait(timeout=LONG_S)
        process.stdout.close()
        assert process.returncode == -signal.SIGKILL, (self.folder / f"{name}.err").read_text()[-2000:]

    def raise_again(self, name):
        """Start a process of that name anew."""
        {"door": self.start_door, "worker": self.start_worker, "keyd": self.start_keyd}[name]()

    def move_clock(self, hours):
        """Let so much time pass."""
        assert self.clock.move_to(self.clock.utc_ms() + int(hours * HOUR_MS))

    def close(self):
        """Stop everything."""
        super().close()
        self.service.stop()
