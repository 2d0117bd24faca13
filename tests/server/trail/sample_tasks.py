"""Tasks for the tests of the worker."""

import os
import signal
from pathlib import Path

from django_tasks import task


@task()
def touch(path: str) -> None:
    Path(path).write_text("done")


@task()
def bring_the_process_down(path: str) -> None:
    """Die at the first try, as a broken native decoder would; do the work at the second."""
    if not Path(path + ".tried").exists():
        Path(path + ".tried").write_text("")
        os.kill(os.getpid(), signal.SIGKILL)
    Path(path).write_text("done")
