"""The sequencer: takes events that wait, puts their leaves into the log, and marks them as logged. One per force.

Order: entry bundles, tiles, the checkpoint kept outside, the published checkpoint (all by `custody.Log.append`), then
one transaction that writes the head and frees the events. Killed between any two, `start` goes on to the same root:
what the log has and the database does not yet know must be the leaves of events that still wait, one for one.
"""

import fcntl
import logging
import os
import time
from collections.abc import Callable
from pathlib import Path

from django.db import DEFAULT_DB_ALIAS, InterfaceError, OperationalError, connection, connections, transaction

from openbwv.custody import EMPTY_ROOT, CustodyError, Log
from openbwv.custody.notes import Sign
from openbwv.recording.errors import BwvError
from openbwv.server.trail import log as force_log
from openbwv.server.trail.errors import DatabaseBehindLog, LogBehindDatabase, WorkerRunning
from openbwv.server.trail.models import MAX_BATCH, Event, LogHead, Outcome
from openbwv.shared.clock import Clock
from openbwv.shared.durable import make_folder

logger = logging.getLogger("openbwv.log")

ADVISORY_LOCK = 0x6277_766C_6F67  # "bwvlog", the name of the lock on PostgreSQL
LOCK_FILE = "run/sequencer.lock"


class SequencerLock:
    """The right to write the log of the force in `state`: a lock the kernel (and PostgreSQL) frees at process end.

    Raises WorkerRunning. On PostgreSQL, where workers may be on several hosts, an advisory lock is held as well, on a
    connection of its own that nothing else closes. Should that connection break, the outside checkpoint's compare and
    swap still lets only one writer through.
    """

    def __init__(self, state: Path) -> None:
        make_folder((state / LOCK_FILE).parent)
        self._database = None
        self._descriptor = os.open(state / LOCK_FILE, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            self.release()
            raise _running() from None
        if connection.vendor == "postgresql":
            self._database = connections.create_connection(DEFAULT_DB_ALIAS)
            with self._database.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [ADVISORY_LOCK])
                free = bool(cursor.fetchone()[0])
            if not free:
                self.release()
                raise _running()

    def release(self) -> None:
        """Give the right back."""
        if self._database is not None:
            self._database.close()
            self._database = None
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Sequencer:
    """Moves events into the log. Call `start` once, then `step` again and again; hold a SequencerLock meanwhile."""

    def __init__(self, *, sign: Sign = force_log.keyd_sign) -> None:
        self._sign = sign
        self._log: Log | None = None
        self._generation = 1

    @property
    def size(self) -> int:
        """How many entries the log has, as far as this sequencer has it open."""
        return self._log.size if self._log is not None else 0

    def start(self) -> int:
        """Open the log, compare files, outside checkpoint and database, and finish what a crash interrupted.

        Returns the log's size. Raises DatabaseBehindLog, LogBehindDatabase, and what `custody.open_log` raises.
        """
        self._log = None
        opened = force_log.open_writer(sign=self._sign)
        head, _ = LogHead.objects.get_or_create(id=1, defaults={"size": 0, "root": EMPTY_ROOT})
        self._generation = head.generation
        if head.size > opened.size:
            raise LogBehindDatabase(
                what=f"The database knows {head.size} entries of the log; its files and the checkpoint have "
                f"{opened.size}.",
                remedy="An older log was put back: restore the newest one, or begin a new generation with "
                "`./bwv restore`.",
            )
        if opened.root_at(head.size, opened.size) != bytes(head.root):
            raise DatabaseBehindLog(
                what=f"At {head.size} entries the log's files have another root than the database.",
                remedy="Log and database are not of the same force or of the same history: restore both from one "
                "backup with `./bwv restore`.",
            )
        while head.size < opened.size:
            head = self._adopt(opened, head)
        self._log = opened
        return opened.size

    def forget(self) -> None:
        """Have the next step begin with `start`: something outside the log failed in the middle of the last one."""
        self._log = None

    def step(self) -> int:
        """Log what waits, at most one batch, and return how many events that was.

        Whatever it raises, call `start` before the next step.
        """
        if self._log is None:
            self.start()
        log = self._log
        if log is None:  # pragma: no cover  start either opens it or raises
            return 0
        waiting = list(Event.objects.filter(leaf_index=None).order_by("id").values_list("id", "leaf")[:MAX_BATCH])
        if not waiting:
            return 0
        self._log = None
        added = log.append([bytes(entry) for _, entry in waiting])
        self._free([key for key, _ in waiting], added.start, log.size, log.root)
        self._log = log
        return len(waiting)

    def drain(self) -> int:
        """Log everything that waits now and return how many events that was."""
        total = 0
        while count := self.step():
            total += count
        return total

    def _adopt(self, log: Log, head: LogHead) -> LogHead:
        """Take up one batch that the log has and the database has not marked yet."""
        end = min(head.size + MAX_BATCH, log.size)
        entries = list(log.entries(head.size, end))
        found = Event.objects.filter(leaf_index=None, leaf__in=entries).values_list("leaf", "id")
        keys = {bytes(entry): key for entry, key in found}
        missing = [entry for entry in entries if entry not in keys]
        if missing:
            raise DatabaseBehindLog(
                what=f"{len(missing)} of the log's entries from number {head.size} on are unknown to the database.",
                remedy="An older database was put back. Restore the newest one, or begin a new generation of the log "
                "with `./bwv restore`, which lists what is missing.",
            )
        self._free([keys[entry] for entry in entries], head.size, end, log.root_at(end, log.size))
        return LogHead.objects.get(id=1)

    def _free(self, keys: list[int], first: int, size: int, root: bytes) -> None:
        """Mark events as logged and move the head, in one transaction; raises DatabaseBehindLog if the head moved."""
        with transaction.atomic():
            moved = LogHead.objects.filter(id=1, size=first, generation=self._generation).update(size=size, root=root)
            if not moved:
                raise DatabaseBehindLog(
                    what=f"The database's note of the log is no longer at {first} entries.",
                    remedy="Another worker wrote at the same time: stop it, run `./bwv check`, start one again.",
                )
            events = [
                Event(id=key, leaf_index=first + offset, log_generation=self._generation)
                for offset, key in enumerate(keys)
            ]
            Event.objects.bulk_update(events, ["leaf_index", "log_generation"])


def run_sequencer(
    sequencer: Sequencer,
    *,
    clock: Clock,
    stopping: Callable[[], bool],
    beat: Callable[[int, str, str], None],
    wait_s: float = 0.05,
    retry_s: float = 1.0,
) -> None:
    """Step until `stopping()`, then log what still waits and return.

    `beat(clock_ms, outcome, message)` is told how each round went and when it began. A log that does not hold
    (CustodyError, a database behind it) ends the run; a key service that does not answer or a full disk is tried again
    every `retry_s`, and nothing is lost meanwhile: events wait in the database.
    """
    began_ms = 0
    while True:
        last = stopping()
        count, problem = 0, ""
        try:
            began_ms = clock.utc_ms()
            count = sequencer.drain()
            beat(began_ms, Outcome.DONE, "")
        except (CustodyError, DatabaseBehindLog, LogBehindDatabase):
            raise
        except BwvError as error:
            problem = error.what
            _tell(beat, began_ms, problem)
        except (OperationalError, InterfaceError) as error:
            problem = str(error)
            logger.warning("the database did not answer: %s", error)
            sequencer.forget()
            connection.close()
        if last:
            return
        if not count:
            time.sleep(retry_s if problem else wait_s)


def _tell(beat: Callable[[int, str, str], None], began_ms: int, problem: str) -> None:
    """Note in the database why the log waits; on a full disk not even that may go, and the run must not end of it."""
    try:
        beat(began_ms, Outcome.FAILED, problem)
    except (OperationalError, InterfaceError) as error:
        logger.warning("%s Nor can that be noted: %s", problem, error)


def _running() -> WorkerRunning:
    return WorkerRunning(
        what="Another worker writes this force's log already.",
        remedy="Let it run, or stop it first. More task workers: `./bwv worker --tasks-only`.",
    )
