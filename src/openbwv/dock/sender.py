"""Threads that carry steps to the server, each over one connection of its own.

Rule: a sender takes one step, does it, tells how it ended and takes the next. It holds one chunk of one part in memory.
What only concerns one recording is told to the desk and holds up no other; a broken connection or a full server ends
the contact for all.
"""

import logging
import threading
from collections.abc import Callable

from openbwv.dock.desk import Desk, Step, Task
from openbwv.dock.hall import Hall
from openbwv.dock.held import HeldRecording
from openbwv.recording.errors import BwvError
from openbwv.shared import upload
from openbwv.shared.door import DoorError, DoorFull, DoorUnreachable
from openbwv.shared.door_client import DoorClient
from openbwv.shared.receipts import ReceiptRefused

log = logging.getLogger("openbwv.dock")

LONGEST_END_S = 3.0


class Senders:
    """`count` threads that empty the desk; `check` judges a receipt and raises ReceiptRefused."""

    def __init__(self, hall: Hall, desk: Desk, *, count: int, check: Callable[[HeldRecording, bytes], None]) -> None:
        self._hall, self._desk, self._check = hall, desk, check
        self._threads = [threading.Thread(target=self._run, name=f"sender-{n}", daemon=True) for n in range(count)]

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def join(self) -> None:
        """Wait a little for the requests under way to end."""
        for thread in self._threads:
            thread.join(LONGEST_END_S / len(self._threads))

    def _run(self) -> None:
        client: DoorClient | None = None
        contact = 0
        while (task := self._desk.take()) is not None:
            if client is not None and contact != task.contact:
                client.close()
                client = None
            contact = task.contact
            try:
                if client is None:
                    client = self._hall.server_client()
                    client.greet()
                self._do(client, task)
            except (DoorUnreachable, DoorFull) as problem:
                client = _closed(client)
                self._desk.broke(task, problem)
                self._hall.wake.set()
            except BwvError as problem:
                self._tell(task, problem)
                self._desk.ended(task, problem=problem)
            except Exception:
                log.exception("recording %s could not be sent", task.held.rec_id.hex())
                client = _closed(client)
                problem = BwvError(what="Internal error; see the dock's log.", remedy="It is tried again by itself.")
                self._desk.ended(task, problem=problem)
        _closed(client)

    def _tell(self, task: Task, problem: BwvError) -> None:
        if isinstance(problem, DoorError | ReceiptRefused):
            log.info("recording %s, %s: %s", task.held.rec_id.hex(), task.step.value, problem.what)

    def _do(self, client: DoorClient, task: Task) -> None:
        held, parts = task.held, None
        if task.step is Step.ASK:
            parts = client.parts_held(held.rec_id)
        elif task.step is Step.PART:
            upload.send_run(client, held.rec_id, task.run, held.read_run)
        elif task.step is Step.ORPHAN and (orphan := held.orphan()) is not None:
            client.put_orphan(held.rec_id, length=orphan.length, digest=orphan.sha256, chunks=orphan.chunks)
        elif task.step is Step.COMPLETE:
            self._fetch_receipt(client, held)
        self._desk.ended(task, parts=parts)

    def _fetch_receipt(self, client: DoorClient, held: HeldRecording) -> None:
        """Ask for the evidence receipt, judge it, store it for the camera and let the copy go."""
        facts = held.facts()
        receipt = client.complete(
            held.rec_id,
            last_seq=facts.last_seq,
            tail=facts.tail,
            orphan_length=facts.orphan_length,
            orphan_sha256=facts.orphan_sha256,
        )
        with held.lock:
            if held.tail != facts.tail:
                return  # the camera added an entry meanwhile: this receipt is for less than is held
            self._check(held, receipt)
            self._hall.spool.release(held, receipt)


def _closed(client: DoorClient | None) -> None:
    if client is not None:
        client.close()
