"""A pretend force on this machine: its folder, its processes, its people, its clock."""

import concurrent.futures
import json
import secrets
import time
from pathlib import Path
from typing import Any

from openbwv.demo import cast
from openbwv.demo.clock import ClockService, MovableClock
from openbwv.demo.pages import Visitor
from openbwv.demo.processes import Runner, StepFailed, free_port
from openbwv.demo.proxy import Proxy

NAME = "Pretend Force"
HOUR_MS = 3_600_000
LONG_STEP_MS = 12 * HOUR_MS
SHORT_STEP_MS = 6 * HOUR_MS
DAY_MS = 24 * HOUR_MS
CAREFUL_FROM_DAY = 27
HEARTBEAT_LIMIT_S = 180.0
HEARTBEAT_SLACK_MS = 60_000  # a heartbeat row is written when it is news by half a minute or more


class Force:
    """One force under `folder`. `begin` makes and starts it, `end` stops every process."""

    def __init__(self, folder: Path, *, name: str = NAME, page_port: int = 0) -> None:
        self.folder = folder
        self.name = name
        self.state = folder / "state"
        self.logs = folder / "logs"
        self.logs.mkdir(parents=True, exist_ok=True)
        self.trust = self.state / "trust.pem"
        self.passwords: dict[str, str] = {}
        self.page_port = page_port or free_port()
        self.door_port = free_port()
        self.dock_ports = {"camera": free_port(), "enrol": free_port(), "page": free_port()}
        self.runner = Runner(self.logs)
        self.proxy: Proxy | None = None
        self._visitors: dict[str, Visitor] = {}
        self._service: ClockService | None = None
        self.began_ms = 0

    # ── set-up ────────────────────────────────────────────────────────────────────────────────────────────────────

    def begin(self) -> dict[str, Any]:
        """Make the force, start its clock and its four processes; return what `init` said."""
        passphrase, password = self.folder / "passphrase", self.folder / "administrator"
        for path, text in ((passphrase, secrets.token_urlsafe(24)), (password, cast.new_password())):
            path.write_text(text, encoding="ascii")
            path.chmod(0o600)
        self.passwords[cast.LOU.username] = password.read_text(encoding="ascii")
        self.runner.environment["BWV_KEYRING_PASSPHRASE_FILE"] = str(passphrase)
        made = self.runner.run(
            "init", "--state", self.state, "--name", self.name, "--admin", cast.LOU.username,
            "--admin-name", cast.LOU.name, "--admin-password-file", password, "--pretend",
            "--door-url", self.door, "--json",
        ).json()  # fmt: skip
        self.start_clock()
        self.start_processes()
        return dict(made)

    @property
    def database(self) -> Path:
        """Return the server's database, for a judge to read."""
        return self.state / "server.sqlite3"

    @property
    def door(self) -> str:
        """Return the door's address."""
        return f"https://127.0.0.1:{self.door_port}"

    @property
    def site(self) -> str:
        """Return the address of the pages."""
        return f"http://127.0.0.1:{self.page_port}"

    @property
    def dock_page(self) -> str:
        """Return the address of the dock's page."""
        return f"http://127.0.0.1:{self.dock_ports['page']}"

    def start_clock(self) -> None:
        """Start the movable clock at the present time; every command from here on takes its time from it."""
        path = self.state / "run" / "clock.sock"
        self._service = ClockService(path, MovableClock(time.time_ns() // 1_000_000))
        self.began_ms = self._service.clock.utc_ms()
        self.runner.environment["BWV_CLOCK_SOCKET"] = str(path)

    def start_processes(self) -> None:
        """Start key service, worker, pages and door, and wait until each answers."""
        run = self.runner
        run.start("keyd", "keyd", "--state", self.state)
        run.wait_for_file("keyd", self.state / "run" / "keyd.sock")
        run.start("worker", "worker", "--state", self.state)
        run.start("server", "server", "--state", self.state, "--host", "127.0.0.1", "--port", self.page_port)
        run.start("door", "server", "door", "--state", self.state, "--host", "127.0.0.1", "--port", self.door_port)
        run.wait_for_port("server", self.page_port)
        run.wait_for_port("door", self.door_port)

    def add_people(self, *usernames: str) -> None:
        """Give the cast, or those named, an account and a password each, as the administrator would."""
        wanted = [part for part in cast.CAST if not usernames or part.username in usernames]
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            list(pool.map(self._add, wanted))

    def _add(self, part: cast.Part) -> None:
        self.passwords[part.username] = cast.new_password()
        words = [word for role in part.roles for word in ("--role", role)]
        words += ["--unit", part.unit] if part.unit else []
        words += ["--collar", part.collar] if part.collar else []
        self.runner.run(
            "person", "add", part.username, "--name", part.name, *words, "--password-stdin", "--as",
            cast.LOU.username, "--reason", "new in the pretend force", "--state", self.state, "--json",
            typed=self.passwords[part.username] + "\n",
        )  # fmt: skip

    # ── the dock ──────────────────────────────────────────────────────────────────────────────────────────────────

    @property
    def dock_store(self) -> Path:
        """Return the dock's folder."""
        return self.folder / "dock"

    def start_dock(self) -> None:
        """Enrol the dock with a one-time code and start it; between it and the door stands the proxy."""
        code = self.runner.run(
            "fleet", "invite-dock", "--name", "Lewisham 1", "--unit", "lewisham", "--as", "harper",
            "--reason", "new dock", "--state", self.state, "--json",
        ).json()["code"]  # fmt: skip
        self.runner.run("dock", "enrol", "--server", self.site, "--code", code, "--store", self.dock_store, "--json")
        self.proxy = Proxy(("127.0.0.1", self.door_port))
        self.runner.start(
            "dock", "dock", "run", "--store", self.dock_store, "--door", f"https://127.0.0.1:{self.proxy.port}",
            "--camera-port", self.dock_ports["camera"], "--enrol-port", self.dock_ports["enrol"],
            "--page-port", self.dock_ports["page"], "--json",
        )  # fmt: skip
        for port in self.dock_ports.values():
            self.runner.wait_for_port("dock", port)

    # ── people at browsers ────────────────────────────────────────────────────────────────────────────────────────

    def visitor(self, username: str) -> Visitor:
        """Return that person's browser, signed in."""
        if username not in self._visitors:
            visitor = Visitor(self.site, username)
            visitor.sign_in(username, self.passwords[username])
            self._visitors[username] = visitor
        return self._visitors[username]

    def stranger(self) -> Visitor:
        """Return the browser of somebody without an account."""
        return Visitor(self.site, "somebody without an account")

    # ── time ──────────────────────────────────────────────────────────────────────────────────────────────────────

    def now_ms(self) -> int:
        """Return the pretend time."""
        if self._service is None:
            raise StepFailed("The clock has not been started.")
        return self._service.clock.utc_ms()

    def move_clock(self, to_ms: int, *, told: Any = None) -> int:
        """Move the clock in steps of at most 12 hours, from day 27 of at most 6, waiting for every job after each.

        Returns the number of steps.
        """
        steps = 0
        while (now := self.now_ms()) < to_ms:
            careful = now - self.began_ms >= CAREFUL_FROM_DAY * DAY_MS - LONG_STEP_MS
            self._set_clock(min(to_ms, now + (SHORT_STEP_MS if careful else LONG_STEP_MS)))
            self.wait_for_jobs()
            steps += 1
            if told:
                told((self.now_ms() - self.began_ms) / DAY_MS)
        return steps

    def _set_clock(self, to_ms: int) -> None:
        if self._service is None or not self._service.clock.move_to(to_ms):
            raise StepFailed("The clock would not move.")

    def wait_for_jobs(self) -> list[dict[str, Any]]:
        """Wait until `check` shows every job's heartbeat at the present pretend time; return the heartbeats."""
        since_ms = self.now_ms() - HEARTBEAT_SLACK_MS
        deadline = time.monotonic() + HEARTBEAT_LIMIT_S
        while True:
            answer = self.runner.run("check", "--only", "jobs", "--json", "--state", self.state, expect=None).json()
            beats = answer.get("heartbeats", [])
            late = [beat for beat in beats if (beat["clock_utc_ms"] or 0) < since_ms or beat["outcome"] != "done"]
            if beats and not late:
                return list(beats)
            if time.monotonic() > deadline:
                raise StepFailed("A job did not come to the new time.", json.dumps(late, indent=1)[:1500])

    def end(self) -> None:
        """Stop every process, the proxy and the clock."""
        for visitor in self._visitors.values():
            visitor.close()
        self.runner.stop_all()
        if self.proxy:
            self.proxy.stop()
        if self._service:
            self._service.stop()
