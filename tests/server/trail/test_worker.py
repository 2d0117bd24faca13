"""`./bwv worker` as a process: it writes the log, runs jobs and tasks, stops in order, and survives being killed."""

import json
import os
import queue
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from openbwv.custody import LogReader
from openbwv.demo.clock import ClockService, MovableClock
from openbwv.server.vault.keyd import keyring
from openbwv.server.vault.keyd.ledger import Ledger
from openbwv.server.vault.keyd.logwatch import LogWatch
from openbwv.server.vault.keyd.operations import Operations
from openbwv.server.vault.keyd.service import serve_in_thread
from openbwv.shared.clock import SystemClock
from openbwv.shared.log_folder import checkpoint_file, log_folder

pytestmark = pytest.mark.sqlite
ROOT = Path(__file__).parents[3]
WRITE_EVENTS = """
import sys
from openbwv.server.boot import boot
boot(sys.argv[1])
from openbwv.custody import EventType
from openbwv.server.clock import clock
from openbwv.server.trail.actions import log_event, wait_for_leaf
for number in range(int(sys.argv[2])):
    event = log_event(EventType.CONFIG, actor_label="a test", details={"number": number}, clock=clock())
if sys.argv[3:] == ["wait"]:
    sys.stdout.write(wait_for_leaf(event, timeout_s=20).decode())
"""
ENQUEUE = """
import sys
from openbwv.server.boot import boot
boot(sys.argv[1])
from tests.server.trail import sample_tasks
getattr(sample_tasks, sys.argv[2]).enqueue(sys.argv[3])
"""
RECONCILE = """
import sys, time
from pathlib import Path
from openbwv.server.boot import boot
boot(sys.argv[1])
from openbwv.server.clock import clock
from openbwv.server.reconcile import reconcile_tasks
until = time.monotonic() + 30
while reconcile_tasks(clock()) == 0 and not Path(sys.argv[2]).exists():
    assert time.monotonic() < until, "the dead process was never noticed"
    time.sleep(0.1)
"""
PASSPHRASE = "correct horse battery staple"
ENVIRONMENT = {
    **{name: value for name, value in os.environ.items() if not name.startswith(("BWV_", "DJANGO_"))},
    "PYTHONPATH": os.pathsep.join([str(ROOT / "src"), str(ROOT)]),
    "PYTHONWARNINGS": "ignore",
}
AT_FIRST = 2  # events before a test's own: init made the administrator, the worker names its release


def make(folder, *options):
    """Have `./bwv init` make a force and return its folder and keyring, for every test to copy."""
    (folder / "passphrase").write_text(PASSPHRASE)
    done = subprocess.run(
        [
            *(sys.executable, "-m", "openbwv", "init", "--state", str(folder / "state")),
            *("--name", "Test Force", "--admin", "lou", *options),
        ],
        capture_output=True,
        env=ENVIRONMENT | {"BWV_KEYRING_PASSPHRASE_FILE": str(folder / "passphrase")},
        timeout=110,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return folder / "state", keyring.load(folder / "state" / "keyring", PASSPHRASE)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return make(tmp_path_factory.mktemp("made"))


@pytest.fixture(scope="module")
def made_pretend(tmp_path_factory):
    return make(tmp_path_factory.mktemp("pretend"), "--pretend")


class Force:
    """A force's folder, a key service that can be started and stopped, and its workers."""

    def __init__(self, state: Path, ring: keyring.Keyring) -> None:
        self.state = state
        self.ring = ring
        self.environment = ENVIRONMENT
        self.keyd = None
        self.workers = []

    def python(self, program, *arguments):
        done = subprocess.run(
            [sys.executable, "-c", program, str(self.state), *map(str, arguments)],
            capture_output=True,
            env=self.environment,
            timeout=60,
            check=False,
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout

    def start_keyd(self):
        watch = LogWatch(LogReader(log_folder(self.state), vkey=self.ring.vkey))
        operations = Operations(
            keyring=self.ring, ledger=Ledger(self.state / "keyring.ledger"), watch=watch, clock=SystemClock()
        )
        self.keyd = serve_in_thread(self.state / "run" / "keyd.sock", operations)

    def stop_keyd(self):
        if self.keyd is not None:
            self.keyd.shutdown()
            self.keyd.server_close()
            self.keyd = None

    def worker(self):
        worker = Worker(self)
        self.workers.append(worker)
        return worker

    def bwv(self, *arguments, **environment):
        return subprocess.run(
            [sys.executable, "-m", "openbwv", *arguments, "--state", str(self.state)],
            capture_output=True,
            env=self.environment | environment,
            timeout=60,
            check=False,
            text=True,
        )

    def check(self):
        done = self.bwv("check", "--json")
        return done.returncode, json.loads(done.stdout)


class Worker:
    """A running `./bwv worker --json` and what it says."""

    def __init__(self, force: Force) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "openbwv", "worker", "--json", "--state", str(force.state)],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=force.environment,
        )
        self.lines: queue.Queue = queue.Queue()
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(json.loads(line))

    def says(self, what):
        line = self.lines.get(timeout=30)
        assert line["worker"] == what, line
        return line

    def end(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        code = self.process.wait(timeout=30)
        self.process.stdout.close()
        return code


@pytest.fixture
def force(made, tmp_path):
    yield from running(made, tmp_path)


@pytest.fixture
def pretend_force(made_pretend, tmp_path):
    """Return a pretend force and the clock that it takes its time from."""
    for force in running(made_pretend, tmp_path):
        clock = MovableClock(SystemClock().utc_ms())
        service = ClockService(force.state / "run" / "clock.sock", clock)
        force.environment = force.environment | {"BWV_CLOCK_SOCKET": str(service.path)}
        yield force, clock
        for worker in force.workers:
            worker.end()
        service.stop()


def running(made, tmp_path):
    shutil.copytree(made[0], tmp_path / "state")
    force = Force(tmp_path / "state", made[1])
    yield force
    for worker in force.workers:
        if worker.process.poll() is None:
            worker.end(signal.SIGKILL)
    force.stop_keyd()


def wait_for(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it never came about"
        time.sleep(0.1)


def children_of(pid):
    done = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True, check=False)
    return [int(number) for number in done.stdout.split()]


def test_the_story_of_a_worker(force):
    """keyd is late, events are logged, a second worker is refused, check agrees, it stops in order."""
    worker = force.worker()
    assert "key service" in worker.says("waiting")["why"]
    force.python(WRITE_EVENTS, 3)
    force.start_keyd()
    worker.says("ready")
    proof = force.python(WRITE_EVENTS, 1, "wait")
    assert proof.startswith(b"c2sp.org/tlog-proof@v1\nindex %d\n" % (AT_FIRST + 3))
    second = force.bwv("worker")
    assert (second.returncode, second.stdout) == (75, "")
    assert "Another worker" in second.stderr
    wait_for(lambda: force.check()[0] == 0)
    code, report = force.check()
    assert (code, report["ok"], report["disagreements"]) == (0, True, [])
    beats = {each["job"]: each for each in report["heartbeats"]}
    assert {"log", "tasks", "reconcile"} <= set(beats)
    assert all(abs(report["clock_utc_ms"] - each["clock_utc_ms"]) < 120_000 for each in beats.values())
    child = children_of(worker.process.pid)
    assert len(child) == 1
    assert worker.end() == 0
    wait_for(lambda: not Path(f"/proc/{child[0]}").exists())
    assert worker.lines.get(timeout=5) == {"worker": "stopped"}


def test_killed_again_and_again_while_events_come_it_goes_on_with_the_same_log(force):
    force.start_keyd()
    worker = force.worker()
    worker.says("ready")
    for _ in range(3):
        writer = threading.Thread(target=force.python, args=(WRITE_EVENTS, 150))
        writer.start()
        time.sleep(1.0)
        (child,) = children_of(worker.process.pid)
        worker.end(signal.SIGKILL)
        worker = force.worker()
        writer.join()
        worker.says("ready")
        wait_for(lambda child=child: not Path(f"/proc/{child}").exists())  # it saw that its parent was gone
    force.python(WRITE_EVENTS, 1, "wait")
    report = force.check()[1]
    assert report["disagreements"] == []
    assert report["looked_at"]["log entries"] == report["looked_at"]["events"] == AT_FIRST + 451
    assert worker.end() == 0


def test_what_was_written_while_it_stops_is_in_the_log_when_it_has_stopped(force):
    force.start_keyd()
    worker = force.worker()
    worker.says("ready")
    force.python(WRITE_EVENTS, 40)
    assert worker.end() == 0
    assert LogReader(log_folder(force.state), vkey=force.ring.vkey).checkpoint().size == AT_FIRST + 40


def test_a_log_that_was_rolled_back_stops_it_with_a_code_of_its_own(force):
    force.start_keyd()
    worker = force.worker()
    worker.says("ready")
    force.python(WRITE_EVENTS, 5, "wait")
    assert worker.end() == 0
    place = checkpoint_file(force.state).path
    place.unlink()
    done = force.bwv("worker")
    assert done.returncode == 78
    assert "kept outside" in done.stderr
    assert "Traceback" not in done.stderr


def test_once_does_what_is_due_and_stops(force):
    force.start_keyd()
    force.python(WRITE_EVENTS, 3)
    done = force.bwv("worker", "--once", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["worker"] == "done"
    assert said["logged"] >= AT_FIRST + 3
    assert said["jobs"] >= 1
    code, report = force.check()
    assert (code, report["disagreements"]) == (0, [])


def test_tasks_run_and_one_that_brings_its_process_down_is_tried_again(force, tmp_path):
    force.start_keyd()
    force.python(ENQUEUE, "touch", tmp_path / "one")
    force.python(ENQUEUE, "bring_the_process_down", tmp_path / "two")
    worker = force.worker()
    worker.says("ready")
    wait_for((tmp_path / "one").exists)
    wait_for((tmp_path / "two.tried").exists)
    assert not (tmp_path / "two").exists()
    assert worker.process.poll() is None, "the log goes on"
    # It looks again while the process that died waits to be collected; the worker's own reconciler may come first.
    force.python(RECONCILE, tmp_path / "two")
    wait_for((tmp_path / "two").exists)
    assert worker.end() == 0


def test_a_movable_clock_is_refused_on_a_force_that_does_not_pretend(force):
    for command in ("worker", "check", "server"):
        done = force.bwv(command, BWV_CLOCK_SOCKET=str(force.state / "clock.sock"))
        assert done.returncode == 64, done.stderr
        assert "not a pretend force" in done.stderr


def beats_of(report, *, least_ms):
    """Return whether every job's heartbeat has come to `least_ms`, give or take what is no news."""
    return all((each["clock_utc_ms"] or 0) >= least_ms - 60_000 for each in report["heartbeats"])


def test_when_the_clock_of_a_pretend_force_is_moved_every_job_comes_to_the_new_time(pretend_force):
    force, clock = pretend_force
    force.start_keyd()
    worker = force.worker()
    worker.says("ready")
    wait_for(lambda: force.check()[0] == 0)
    jobs = {each["job"] for each in force.check()[1]["heartbeats"]}
    assert {"log", "tasks", "reconcile", "retention"} <= jobs
    for hours in (12, 6):
        there = clock.utc_ms() + hours * 3_600_000
        assert clock.move_to(there)
        wait_for(lambda there=there: beats_of(force.check()[1], least_ms=there), 60)
        code, report = force.check()
        assert (code, report["disagreements"]) == (0, [])
        assert report["clock_utc_ms"] >= there


def test_a_single_leap_of_thirty_days_stops_the_jobs_and_not_the_log(pretend_force):
    force, clock = pretend_force
    force.start_keyd()
    worker = force.worker()
    worker.says("ready")
    wait_for(lambda: force.check()[0] == 0)
    assert clock.move_to(clock.utc_ms() + 30 * 24 * 3_600_000)

    def refused():
        codes = [each["code"] for each in force.check()[1]["disagreements"]]
        return codes.count("job-refused") >= 5

    wait_for(refused)
    assert force.python(WRITE_EVENTS, 1, "wait").startswith(b"c2sp.org/tlog-proof@v1")
    assert worker.end() == 0
    force.worker().says("ready")  # a person has looked and started it again
    wait_for(lambda: force.check()[0] == 0)
