"""Which trust file counts: the one named, else the one the person installed before, never one that came with PATH."""

import os
from pathlib import Path

from openbwv.recording import CertificateError, Trust
from openbwv.verify.errors import BadOption

INSTALLED = Path("openbwv") / "trust.pem"


def installed_path(environment: dict[str, str] | None = None) -> Path:
    """Return where a person installs a trust file: $XDG_CONFIG_HOME/openbwv/trust.pem, or ~/.config/…"""
    settings = os.environ if environment is None else environment
    home = settings.get("XDG_CONFIG_HOME") or str(Path(settings.get("HOME", "~")).expanduser() / ".config")
    return Path(home) / INSTALLED


def find_trust(named: str | None, judged: Path) -> Trust | None:
    """Return the trust to judge `judged` by; None where there is none. Raises BadOption for a file that is no use."""
    path = trust_path(named, judged)
    return None if path is None else _load(path)


def trust_path(named: str | None, judged: Path) -> Path | None:
    """Return the trust file that counts for `judged`, None where there is none."""
    if named is not None:
        return Path(named)
    path = installed_path()
    return path if path.is_file() and not path.resolve().is_relative_to(judged.resolve()) else None


def _load(path: Path) -> Trust:
    try:
        return Trust.load(path.read_bytes())
    except OSError as error:
        raise BadOption(
            what=f"The trust file {path} cannot be read ({error.strerror}).",
            remedy="Name the agency's CA certificate, a PEM file, with --trust.",
        ) from error
    except CertificateError as error:
        raise BadOption(what=f"{path}: {error.what}", remedy=error.remedy) from error
