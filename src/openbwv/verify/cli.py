"""`./bwv verify PATH`: judge a recording, a folder of recordings or a bundle, with no server and no network.

Exit codes are the answer: 0 genuine, 1 changed, 2 cannot tell; 64 bad usage, 74 a file cannot be read, 70 our fault.
"""

import json
import os
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from openbwv.command import Parser
from openbwv.recording import Verdict
from openbwv.verify.bundle import is_bundle, verify_bundle
from openbwv.verify.errors import BadOption, CannotRead, NothingToVerify
from openbwv.verify.folder import is_recording, verify_folder
from openbwv.verify.keyfile import read_commit_key
from openbwv.verify.revocations import list_beside
from openbwv.verify.show import show
from openbwv.verify.store import find_recordings, verify_store
from openbwv.verify.trustfile import find_trust, installed_path, trust_path

EXAMPLES = """\
  ./bwv verify store/rec/2026-11-20/01934f…            one recording, whoever signed it
  ./bwv verify store --trust trust.pem                  a camera's store: recordings, their order, receipts
  ./bwv verify bundle/ --trust trust.pem --json         a bundle from `./bwv export`
  ./bwv verify rec/… --commit-key commit.key --decrypted master.mp4

exit codes: 0 genuine · 1 changed · 2 cannot tell · 64 bad usage · 70 internal error · 74 a file cannot be read
Without --trust, a trust file you installed before is used: """


@dataclass
class Report:
    """A verdict and what goes beside it in `--json` and on the screen."""

    verdict: Verdict
    parts: list[tuple[str, Verdict]] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        """Return what `--json` prints."""
        shown = self.verdict.as_dict()
        if self.parts:
            shown["recordings"] = [{"path": path, **verdict.as_dict()} for path, verdict in self.parts]
        return shown


def _parser() -> Parser:
    parser = Parser(
        prog="./bwv verify",
        description="Judge a recording, a folder of recordings or a bundle, offline.",
        examples=EXAMPLES + str(installed_path()),
    )
    parser.add_argument("path", metavar="PATH", help="a recording's folder, a folder of recordings, or a bundle")
    parser.add_argument(
        "--trust", metavar="FILE", help="the agency's CA certificate (PEM); one inside PATH counts only so"
    )
    parser.add_argument("--commit-key", metavar="FILE", help="the recording's commitment key")
    parser.add_argument("--decrypted", metavar="FILE", help="decrypted fragments to compare, with --commit-key")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def main(argv: list[str]) -> int:
    """Run the command; returns 0, 1 or 2 for a verdict and raises BwvError for everything else."""
    arguments = _parser().parse_args(argv)
    path = Path(arguments.path)
    try:
        report = judge(path, trust=arguments.trust, commit_key=arguments.commit_key, decrypted=arguments.decrypted)
    except OSError as error:
        raise CannotRead(
            what=f"{error.filename or path} cannot be read ({error.strerror or error}).",
            remedy="Nothing was judged. Mend the disk or the permissions, or copy the files elsewhere, and try again.",
        ) from error
    text = (
        json.dumps(report.as_dict(), indent=2)
        if arguments.json
        else show(path, report.verdict, report.parts, report.events)
    )
    _print(text)
    return report.verdict.exit_code


def judge(path: Path, *, trust: str | None, commit_key: str | None, decrypted: str | None) -> Report:
    """Judge `path`, whatever of the three it is; raises BwvError for bad usage and OSError for a bad disk."""
    if not path.is_dir():
        raise NothingToVerify(
            what=f"{path} is not a folder." if path.exists() else f"{path} does not exist.",
            remedy="Name the folder that holds manifest.cbor, a folder of such folders, or a bundle's folder.",
        )
    believed, file = find_trust(trust, path), trust_path(trust, path)
    lists = list_beside(file) if file else []
    key = _key(commit_key, decrypted)
    if is_bundle(path):
        verdict, log = verify_bundle(path, trust=believed, revocations=lists)
        return Report(verdict, events=[line.event | {"index": line.index} for line in log.lines])
    if is_recording(path):
        plain = Path(decrypted) if decrypted else None
        return Report(verify_folder(path, trust=believed, revocations=lists, commit_key=key, decrypted=plain))
    folders = list(find_recordings(path))
    if not folders:
        raise NothingToVerify(
            what=f"{path} holds no recording and is no bundle.",
            remedy="Name the folder that holds manifest.cbor, a folder of such folders, or a bundle's folder.",
        )
    result = verify_store(path, folders, trust=believed, revocations=lists)
    return Report(result.whole(), [(part.path.relative_to(path).as_posix(), part.verdict) for part in result.parts])


def _key(named: str | None, decrypted: str | None) -> bytes | None:
    if named is None:
        if decrypted is not None:
            raise BadOption(what="--decrypted needs --commit-key.", remedy="Name the commitment key's file as well.")
        return None
    key, problem = read_commit_key(Path(named))
    if key is None:
        raise BadOption(what=f"{named}: {problem}", remedy="Name the file commit.key that came with the video.")
    return key


def _print(text: str) -> None:
    """Print; a reader that went away must not turn the verdict into another exit code."""
    try:
        sys.stdout.write(text + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
