"""Building the Go programs of this folder with the Go that the machine has; where it has none, the test is skipped."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest


def build(source: Path, folder: Path, *, gopath: Path | None = None, needs: Path | None = None) -> Path:
    """Return the program that `go build` makes of `source` below `folder`; no network, a cache of its own.

    `needs` is a package below `gopath` without which the test is skipped.
    """
    if shutil.which("go") is None or (needs is not None and not needs.is_dir()):
        pytest.skip(
            "Go or Debian's golang-golang-x-mod-dev is not installed: apt install golang-go golang-golang-x-mod-dev"
        )
    environment = os.environ | {
        "GO111MODULE": "off",
        "GOPATH": str(gopath or folder / "path"),
        "GOCACHE": str(folder / "cache"),
        "GOFLAGS": "",
        "CGO_ENABLED": "0",
    }
    program = folder / source.name
    subprocess.run(["go", "build", "-o", program, "."], cwd=source, env=environment, check=True, timeout=110)
    return program
