"""The one thread that writes: seals, signs and syncs in order, behind a queue that has an end.

A slow medium fills the queue; over half of it is an alarm, all of it is a fault that is said aloud. Nothing is dropped
in silence. After a failure the remaining jobs are not done: what was synced is whole, recovery closes it.
"""

import queue
import threading
from collections.abc import Callable

from openbwv.camera.errors import StorageTooSlow
from openbwv.recording.errors import BwvError

QUEUE_LENGTH = 60
Job = Callable[[], None]


class Writer:
    """Does jobs in order in its own thread. `failure` holds what stopped it."""

    def __init__(self, *, wait_when_full: bool, length: int = QUEUE_LENGTH) -> None:
        self._jobs: queue.Queue[Job | None] = queue.Queue(length)
        self._wait, self._length = wait_when_full, length
        self.failure: BwvError | None = None
        self._unexpected: BaseException | None = None
        self._thread = threading.Thread(target=self._work, name="camera-writer", daemon=True)
        self._thread.start()

    @property
    def slow(self) -> bool:
        """Whether more than half of the queue waits."""
        return self._jobs.qsize() * 2 > self._length

    @property
    def idle(self) -> bool:
        """Whether all jobs are done."""
        return self._jobs.unfinished_tasks == 0

    def do(self, job: Job) -> None:
        """Queue a job; raises StorageTooSlow when the queue is full and the picture cannot wait."""
        if self._unexpected is not None:
            raise self._unexpected
        try:
            self._jobs.put(job, block=self._wait)
        except queue.Full as problem:
            raise StorageTooSlow(
                what=f"The storage is too slow: {self._length} fragments wait to be written.",
                remedy="Dock the camera and have its card replaced; what was recorded up to here is kept.",
            ) from problem

    def drain(self) -> None:
        """Wait until all jobs are done; raises what stopped the thread, if it was not a known failure."""
        self._jobs.join()
        if self._unexpected is not None:
            raise self._unexpected

    def give_up(self, problem: BwvError) -> None:
        """Do no further job; returns when the one that was being done has ended, so that its files may be closed."""
        self.failure = self.failure or problem
        self._jobs.join()

    def forgive(self) -> None:
        """Work again after a failure has been dealt with."""
        self._jobs.join()
        self.failure = None

    def stop(self) -> None:
        """Do what is queued, then end the thread."""
        self._jobs.join()
        self._jobs.put(None)
        self._thread.join()

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            try:
                if self.failure is None and self._unexpected is None:
                    job()
            except BwvError as problem:
                self.failure = problem
            except BaseException as problem:  # noqa: BLE001 - handed to the thread that asked, by `do` and `drain`
                self._unexpected = problem
            finally:
                self._jobs.task_done()
