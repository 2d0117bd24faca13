"""A pretend force whose real processes die at a named place when a test orders it (see faults/sitecustomize.py)."""

import os
import signal
import time
from pathlib import Path
from typing import NamedTuple

from openbwv.demo.clock import ClockService, MovableClock
from tests.scenarios.force import RealForce, wait_until

FAULTS = Path(__file__).parent / "faults"
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


class MortalForce(RealForce):
    """Its processes are started with the fault points given, each in a process group of its own."""

    apart = True

    def __init__(self, folder, kills):
        super().__init__(folder, "--pretend")
        self.order = folder / "order"
        self.mortal = {
            "PYTHONPATH": os.pathsep.join([str(FAULTS), self.environment.get("PYTHONPATH", "")]),
            "KILL_POINTS": "\n".join(sorted({kill.point for kill in kills})),
            "KILL_ORDER": str(self.order),
        }
        self.clock = MovableClock(time.time_ns() // 1_000_000)
        self.service = ClockService(self.state / "run" / "clock.sock", self.clock)
        self.environment["BWV_CLOCK_SOCKET"] = str(self.service.path)

    def start(self, name, *arguments, environment=None):
        """Start a process that can be ordered to die."""
        return super().start(name, *arguments, environment=(environment or {}) | self.mortal | {"KILL_ROLE": name})

    def order_death(self, kill):
        """Have the process die when it comes to the place."""
        self._obeyed.unlink(missing_ok=True)
        self.ordered = kill
        part = self.order.with_suffix(".part")
        part.write_text(f"{kill.who} {kill.point} {kill.when} {kill.nth}", encoding="ascii")
        part.rename(self.order)

    @property
    def _obeyed(self):
        return self.order.with_name("order.obeyed")

    def is_dead(self):
        """Say whether the last order was obeyed."""
        return self._obeyed.exists()

    def bury(self, name):
        """Wait until the process is gone as ordered, and collect it."""
        wait_until(self.is_dead, seconds=LONG_S, what=f"the death of {name}, {self.ordered},")
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
