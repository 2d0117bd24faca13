"""Read cases for pleas and for the time to the case file: plain documented columns."""

from collections.abc import Sequence

from openbwv.studies.importers.kinds import Name, Number, Truth, WallClock
from openbwv.studies.importers.records import LONDON, Records, without
from openbwv.studies.importers.sheet import Field, read


def read_cases(
    data: bytes, *, mix: Sequence[str], cluster: str, file: str, form: str = "ISO8601", encoding: str = "utf-8"
) -> Records:
    """Return cases: camera, first_hearing, plea (blank: none), the case mix and the cluster.

    A case without `camera`, a first hearing or a value of the case mix is left out and listed. Case mix columns are
    yes or no, or numbers. Raises BadRow and BadTable.
    """
    fields = [
        Field("camera", Truth(yes=("treated",), no=("control",)), blank=True),
        Field("first_hearing", WallClock(zone=LONDON, form=form), blank=True),
        Field("plea", WallClock(zone=LONDON, form=form), blank=True),
        *(Field(name, Number() if name not in ("domestic_abuse",) else Truth(), blank=True) for name in mix),
    ]
    if cluster:
        fields.append(Field(cluster, Name(), blank=True))
    sheet = read(data, fields, file=file, encoding=encoding)
    needed = ["camera", "first_hearing", *mix, *([cluster] if cluster else [])]
    return without(sheet, {f"'{name}' is blank": sheet.frame[name].isna() for name in needed})


def read_case_files(data: bytes, *, file: str, encoding: str = "utf-8") -> Records:
    """Return case files: camera, days (open or until complete), complete (no: still open). Raises BadRow, BadTable."""
    fields = (
        Field("camera", Truth(yes=("treated",), no=("control",)), blank=True),
        Field("days", Number(low=0), blank=True),
        Field("complete", Truth(), blank=True),
    )
    sheet = read(data, fields, file=file, encoding=encoding)
    return without(sheet, {f"'{name}' is blank": sheet.frame[name].isna() for name in ("camera", "days", "complete")})
