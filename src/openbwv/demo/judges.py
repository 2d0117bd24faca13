"""Programs that are not ours and judge what the story claims: ffprobe and ffmpeg, openssl, bagit, SQLite."""

import json
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path
from typing import Any

from openbwv.demo.processes import StepFailed

LIMIT_S = 180


def missing() -> list[str]:
    """Return the judges that this machine does not have."""
    return [name for name in ("ffprobe", "ffmpeg", "openssl") if not shutil.which(name)]


def streams(path: Path) -> dict[str, dict[str, Any]]:
    """Return ffprobe's account of a film: kind of stream -> its facts, and `duration_s`."""
    out = _run("ffprobe", "-v", "error", "-count_packets", "-show_streams", "-show_format", "-of", "json", path)
    facts = json.loads(out)
    found = {stream["codec_type"]: stream for stream in facts["streams"]}
    for stream in found.values():
        stream["duration_s"] = float(stream.get("duration") or facts["format"].get("duration") or 0)
    return found


def is_film(path: Path) -> bool:
    """Return whether ffprobe finds any stream in a file."""
    command = ["ffprobe", "-v", "error", "-show_streams", "-of", "json", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return ended.returncode == 0 and bool(json.loads(ended.stdout or "{}").get("streams"))


def has_picture(path: Path) -> bool:
    """Return whether ffprobe finds a picture that moves or stands still in a file."""
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_streams", "-of", "json", str(path)]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    return ended.returncode == 0 and bool(json.loads(ended.stdout or "{}").get("streams"))


def silent_spans(path: Path) -> list[tuple[float, float]]:
    """Return the spans, in seconds, of at least half a second without any sound."""
    report = _run("ffmpeg", "-hide_banner", "-i", path, "-af", "silencedetect=n=-80dB:d=0.5", "-vn", "-f", "null", "-")
    starts = [float(text) for text in re.findall(r"silence_start: (-?[0-9.]+)", report)]
    ends = [float(text) for text in re.findall(r"silence_end: ([0-9.]+)", report)]
    return list(zip(starts, ends + [float("inf")] * (len(starts) - len(ends)), strict=True))


def contrast(path: Path) -> int:
    """Return the difference between the brightest and the darkest point of any picture of a film: 0 to 255."""
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-vf", "scale=64:36,format=gray", "-f", "rawvideo", "-"]
    points = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False).stdout
    return max(points) - min(points) if points else 255


def changes(path: Path, area: str) -> bool:
    """Return whether no two pictures of a film, a second apart, are alike in an area: W:H:X:Y in points."""
    watch = f"fps=1,crop={area}"
    report = _run("ffmpeg", "-v", "error", "-i", path, "-vf", watch, "-an", "-f", "framemd5", "-")
    sums = [line.rpartition(",")[2].strip() for line in report.splitlines() if line and not line.startswith("#")]
    return len(sums) > 1 and len(set(sums)) == len(sums)


def certificate_facts(pem: Path) -> str:
    """Return OpenSSL's text of a certificate."""
    return _run("openssl", "x509", "-in", pem, "-noout", "-text")


def fingerprint(pem: Path) -> str:
    """Return the SHA-256 of a certificate as OpenSSL computes it, lower-case hexadecimal."""
    return (
        _run("openssl", "x509", "-in", pem, "-noout", "-fingerprint", "-sha256")
        .rpartition("=")[2]
        .strip()
        .replace(":", "")
        .lower()
    )


def public_key(pem: Path) -> str:
    """Return the public key of a certificate as OpenSSL reads it, PEM."""
    return _run("openssl", "x509", "-in", pem, "-noout", "-pubkey")


def chain_holds(chain: Path, trust: Path, *, at_s: int | None = None) -> bool:
    """Return whether OpenSSL accepts a certificate chain (leaf first) under a trust file, for any purpose.

    Dates are compared with `at_s`, in s since 1970, or with the present.
    """
    at = [] if at_s is None else ["-attime", str(at_s)]
    command = ["openssl", "verify", "-purpose", "any", *at, "-CAfile", trust, "-untrusted", chain, chain]
    return subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False).returncode == 0


def bag_is_valid(folder: Path) -> bool:
    """Return what `bagit.py --validate` says of a bundle."""
    command = [sys.executable, "-m", "bagit", "--validate", "--quiet", str(folder)]
    return subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False).returncode == 0


def rows(database: Path, question: str, *values: object) -> list[tuple[Any, ...]]:
    """Return what the SQLite library reads in a database, which it opens for reading only."""
    with closing(sqlite3.connect(f"{database.as_uri()}?mode=ro", uri=True, timeout=LIMIT_S)) as opened:
        return opened.execute(question, values).fetchall()


def _run(*words: object) -> str:
    command = [str(word) for word in words]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=LIMIT_S, check=False)
    if ended.returncode != 0:
        raise StepFailed(f"{command[0]} refused {command[-1]}.", ended.stderr[-600:])
    return ended.stdout + ended.stderr
