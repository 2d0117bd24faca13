"""Stored footage as cohorts: what came in at one moment leaves together, and every byte is counted.

Time runs in steps of 1/16 day, in which both 31 days (496 steps) and a month of 365.25/12 = 30.4375 days (487 steps)
are whole. All amounts are integers: in = kept + deleted holds to the byte at every step. As the flow is even, the
result after M months is the closed form inflow * (1 - e) * 31/30.4375 + inflow * e * M, to within a byte for each band.

Deletes: ordinary footage at 31 days (the brief), footage under a hold when the hold ends but never before 31 days, and
evidence at its reviews. What it leaves out: growth, seasons, and the lag between recording and docking.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

STEPS_A_DAY = 16
STEPS_A_MONTH = 487  # 30.4375 days
RETENTION_DAYS = 31
BYTES_PER_TB = 10**12


@dataclass(frozen=True)
class Review:
    """At `age_months` this share of what is left is kept, the rest deleted."""

    age_months: int
    keep: Fraction


@dataclass(frozen=True)
class EvidenceClass:
    """A class of evidence: its share of all evidence, and its reviews in order of age; no review keeps for ever."""

    name: str
    share: Fraction
    reviews: tuple[Review, ...] = ()


@dataclass(frozen=True)
class Band:
    """A part of the inflow that leaves by one rule: at each age (steps) a share of what is left stays."""

    name: str
    kind: str  # ordinary, held or evidence
    share: Fraction
    exits: tuple[tuple[int, Fraction], ...]


@dataclass(frozen=True)
class Moment:
    """The store at one boundary between months, in bytes."""

    month: int
    received: int
    kept: int
    deleted: int
    kept_by_band: dict[str, int]


KEEP_ALL = (EvidenceClass("evidence", Fraction(1)),)
# Management of Police Information: review groups and clear periods as remembered (APP information management); the
# shares of the groups and of what a review keeps are assumptions, to be replaced by the force's own.
MOPI = (
    EvidenceClass(
        "group 1: public protection, serious",
        Fraction(1, 10),
        tuple(Review(120 * n, Fraction(19, 20)) for n in range(1, 6)),
    ),
    EvidenceClass(
        "group 2: sexual, violent, serious",
        Fraction(3, 10),
        tuple(Review(120 * n, Fraction(1, 2)) for n in range(1, 6)),
    ),
    EvidenceClass("group 3: all other offences", Fraction(6, 10), (Review(72, Fraction(1, 10)),)),
)


def bands(
    *,
    evidential: Fraction,
    classes: Sequence[EvidenceClass] = KEEP_ALL,
    held: Fraction = Fraction(0),
    hold_days: int = 0,
) -> list[Band]:
    """Return the bands of the inflow: evidence by class, then footage under a hold, then the 31-day stream.

    `held` is the share of what is not evidence. Raises ValueError unless the shares lie in [0, 1], those of the classes
    come to 1 and the reviews of a class stand in order of age.
    """
    if not (0 <= evidential <= 1 and 0 <= held <= 1) or sum(each.share for each in classes) != 1:
        raise ValueError("shares lie between 0 and 1, and those of the evidence classes come to 1")
    for each in classes:
        ages = [review.age_months for review in each.reviews]
        if ages != sorted(set(ages)) or (ages and ages[0] <= 0) or any(not 0 <= r.keep <= 1 for r in each.reviews):
            raise ValueError(f"the reviews of '{each.name}' need rising ages and shares between 0 and 1")
    parts = [
        Band(
            each.name,
            "evidence",
            evidential * each.share,
            tuple((review.age_months * STEPS_A_MONTH, review.keep) for review in each.reviews),
        )
        for each in classes
    ]
    hold_steps = max(hold_days, RETENTION_DAYS) * STEPS_A_DAY
    parts.append(Band("under a hold", "held", (1 - evidential) * held, ((hold_steps, Fraction(0)),)))
    ordinary = ((RETENTION_DAYS * STEPS_A_DAY, Fraction(0)),)
    parts.append(Band("31-day stream", "ordinary", (1 - evidential) * (1 - held), ordinary))
    return parts


def received_by(step: int, bytes_a_month: int) -> int:
    """Return the bytes received until the end of `step` steps, an even flow rounded down."""
    return max(step, 0) * bytes_a_month // STEPS_A_MONTH


def split(amount: int, parts: Sequence[Band]) -> list[int]:
    """Return `amount` divided among the bands to the byte; each part grows with the amount and never shrinks.

    One cut after another, each of what is left: floor(p * x) and x - floor(p * x) both grow when x does.
    """
    shares, left, rest = [], amount, Fraction(1)
    for band in parts[:-1]:
        part = left * band.share // rest if rest else 0
        shares.append(int(part))
        left, rest = left - int(part), rest - band.share
    return [*shares, left]


def deleted_by(step: int, index: int, parts: Sequence[Band], bytes_a_month: int) -> int:
    """Return what a band has deleted by a step: at each review, what reached that age and was not kept."""
    total = 0
    for number, (age, _) in enumerate(parts[index].exits):
        amount = split(received_by(step - age, bytes_a_month), parts)[index]
        for _, keep in parts[index].exits[:number]:
            amount = int(amount * keep)
        total += amount - int(amount * parts[index].exits[number][1])
    return total


def kept_at(step: int, index: int, parts: Sequence[Band], bytes_a_month: int) -> int:
    """Return what a band holds at a step, counted by age and apart from what it deleted."""
    edges = [0, *(age for age, _ in parts[index].exits)]
    keeps = [keep for _, keep in parts[index].exits]
    total = 0
    for number, edge in enumerate(edges):  # footage whose age lies between this edge and the next
        young = split(received_by(step - edge, bytes_a_month), parts)[index]
        last = number + 1 == len(edges)
        old = 0 if last else split(received_by(step - edges[number + 1], bytes_a_month), parts)[index]
        for keep in keeps[:number]:
            young, old = int(young * keep), int(old * keep)
        total += young - old
    return total


def series(*, bytes_a_month: int, parts: Sequence[Band], months: int) -> list[Moment]:
    """Return the store at the end of each month from 0 to `months`. Raises ValueError for negative amounts."""
    if bytes_a_month < 0 or months < 0:
        raise ValueError("bytes and months are 0 or more")
    moments = []
    for month in range(months + 1):
        step = month * STEPS_A_MONTH
        kept = {band.name: kept_at(step, i, parts, bytes_a_month) for i, band in enumerate(parts)}
        deleted = sum(deleted_by(step, i, parts, bytes_a_month) for i in range(len(parts)))
        moments.append(Moment(month, received_by(step, bytes_a_month), sum(kept.values()), deleted, kept))
    return moments


def closed_form_tb(*, inflow_tb_month: float, evidential: float, months: float) -> float:
    """Return the closed form in TB; before the first 31 days are over nothing has been deleted."""
    days31 = RETENTION_DAYS * STEPS_A_DAY / STEPS_A_MONTH
    return inflow_tb_month * ((1 - evidential) * min(months, days31) + evidential * months)
