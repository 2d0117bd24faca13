"""Published results of camera trials, as figures with where each was seen; nothing here is computed.

`Status.SOURCED` was read in the source named; `Status.UNVERIFIED` was not and is always printed as such. "printed" is
the figure that the source or the press gave, where there is one to compare with.
"""

from dataclasses import dataclass

from openbwv.studies.labels import DesignLabel, Status

RIALTO = "Ariel, Farrar & Sutherland 2015, doi 10.1007/s10940-014-9236-3; press excerpts"
CONTAGIOUS = "Ariel and others 2017, doi 10.1177/0093854816668218; Cambridge release; Force Science News 324"
DISCRETION = "Ariel and others 2016, RAND EP66476"


@dataclass(frozen=True)
class Counts:
    """Two counts with their exposures, and the ratio, Wald and exact intervals and p that others computed from them."""

    study: str
    outcome: str
    label: DesignLabel
    events: int
    exposure: float
    events_0: int
    exposure_0: float
    status: Status
    source: str
    published: dict[str, float]
    note: str = ""


BEFORE_AFTER = DesignLabel.BEFORE_AFTER
COUNTS = (
    Counts(
        "Rialto 2015, by shift",
        "use of force",
        DesignLabel.RANDOMISED,
        8,
        489,
        17,
        499,
        Status.UNVERIFIED,
        RIALTO,
        {"irr": 0.4802, "low": 0.2072, "high": 1.1127, "exact_low": 0.1794, "exact_high": 1.1741, "exact_p": 0.1082},
        "the total of 25 was read, its split was not; not significant by a plain test",
    ),
    Counts(
        "Rialto 2015, year on year",
        "use of force",
        BEFORE_AFTER,
        25,
        1,
        61,
        1,
        Status.SOURCED,
        RIALTO,
        {"irr": 0.4098, "low": 0.2573, "high": 0.6528, "change_percent": -59.0},
    ),
    Counts(
        "Rialto 2015, year on year",
        "complaints",
        BEFORE_AFTER,
        3,
        1,
        24,
        1,
        Status.SOURCED,
        RIALTO,
        {"irr": 0.1250, "low": 0.0376, "high": 0.4151, "change_percent": -87.5},
        "printed as 88 %",
    ),
    Counts(
        "Contagious accountability 2017, seven sites",
        "complaints",
        BEFORE_AFTER,
        113,
        1,
        1539,
        1,
        Status.UNVERIFIED,
        CONTAGIOUS,
        {"irr": 0.0734, "low": 0.0607, "high": 0.0889, "change_percent": -92.66},
        "printed as 93 %: both arms together, before against after; the randomised contrast was null",
    ),
    Counts(
        "Contagious accountability 2017, largest site",
        "complaints",
        BEFORE_AFTER,
        33,
        1,
        558,
        1,
        Status.SOURCED,
        CONTAGIOUS,
        {"irr": 0.0591, "low": 0.0416, "high": 0.0840, "change_percent": -94.1},
    ),
    Counts(
        "Contagious accountability 2017, another site",
        "complaints",
        BEFORE_AFTER,
        7,
        1,
        331,
        1,
        Status.SOURCED,
        CONTAGIOUS,
        {"irr": 0.0211, "low": 0.0100, "high": 0.0447, "change_percent": -97.9},
    ),
)


@dataclass(frozen=True)
class Share:
    """A share and, where it was published, its Wilson interval."""

    study: str
    outcome: str
    hits: int
    of: int
    status: Status
    source: str
    published: dict[str, float]
    note: str = ""


SHARES = (
    Share(
        "Chicago",
        "stops that should have been recorded and were not",
        62000,
        345000,
        Status.SOURCED,
        "CBS News Chicago",
        {"share": 0.1797, "low": 0.1784, "high": 0.1810},
    ),
    Share(
        "Metropolitan Police since January 2022",
        "stops without body-worn video",
        6225,
        311000,
        Status.SOURCED,
        "london-post.co.uk",
        {"share": 0.02},
        "the denominator is about 311,000: it was worked back from the 2 % that was printed",
    ),
)


@dataclass(frozen=True)
class Subgroup:
    """A standardised mean difference with its standard error and printed interval."""

    name: str
    sites: int
    smd: float
    se: float
    low: float
    high: float


DISCRETION_GROUPS = (
    Subgroup("full compliance", 3, -0.346, 0.137, -0.614, -0.077),
    Subgroup("discretion in the treatment arm", 4, 0.392, 0.130, 0.136, 0.647),
    Subgroup("breakdown in both arms", 4, 0.009, 0.070, -0.127, 0.146),
)
DISCRETION_NOTE = "3 + 4 + 4 = 11 for ten sites: printed so by the source"
DISCRETION_POOLED = {
    "fixed": 0.0208,
    "fixed_se": 0.0562,
    "q": 15.350,
    "q_p": 0.0005,
    "i2": 0.870,
    "tau2": 0.0809,
    "random": 0.0201,
    "random_se": 0.1771,
}
LONDON = {
    "rate": 12418 / 31780,
    "rate_used": 0.39,
    "rows_treated": 814,
    "rows_control": 1246,
    "clusters_treated": 19,
    "clusters_control": 29,
    "irr": 0.67,
    "icc": 0.02,
    "overdispersion": 1.5,
}
LONDON_EXPECTED = {
    "mean_team": 42.92,
    "design_effect": 1.838,
    "events_treated": 212.7,
    "events_control": 485.9,
    "se": 0.1365,
    "power": 0.8348,
    "detectable": 0.7148,
}


@dataclass(frozen=True)
class Reported:
    """A figure that was reported and that nothing here can recompute."""

    study: str
    outcome: str
    label: DesignLabel
    figure: str
    status: Status
    source: str
    note: str = ""


REPORTED = (
    Reported(
        "Contagious accountability 2017, treatment against control",
        "complaints",
        DesignLabel.RANDOMISED,
        "SMD 0.053 (-0.163 to 0.269)",
        Status.UNVERIFIED,
        CONTAGIOUS,
        "null; the authors explain it as contamination",
    ),
    Reported(
        "London 2015",
        "allegations",
        DesignLabel.RANDOMISED,
        "33 % fewer",
        Status.UNVERIFIED,
        "Grossmith and others 2015",
        "headline; its table was not read. The cluster is the team: 48",
    ),
    Reported(
        "London 2015",
        "stop and search",
        DesignLabel.RANDOMISED,
        "no overall impact",
        Status.SOURCED,
        "Mayor's Question 2015/4369",
    ),
    Reported(
        "Las Vegas 2018",
        "officers with a use of force",
        DesignLabel.RANDOMISED,
        "-37 %",
        Status.SOURCED,
        "press",
    ),
    Reported("Las Vegas 2018", "officers with a complaint", DesignLabel.RANDOMISED, "-30 %", Status.SOURCED, "press"),
    Reported("Las Vegas 2018", "arrests", DesignLabel.RANDOMISED, "+5.2 %", Status.SOURCED, "Seattle Times"),
    Reported(
        "Las Vegas 2018",
        "citations",
        DesignLabel.RANDOMISED,
        "+6.8 %",
        Status.SOURCED,
        "Seattle Times",
        "another paper says fewer: use the study itself",
    ),
    Reported(
        "Milwaukee 2018",
        "stops, complaints, force",
        DesignLabel.RANDOMISED,
        "stops and complaints down, force null",
        Status.SOURCED,
        "smart-policing.com",
    ),
    Reported(
        "Campbell review 2020, 30 studies",
        "force and complaints",
        DesignLabel.QUASI,
        "force uncertain, complaints down",
        Status.SOURCED,
        "PMC8356344",
    ),
    Reported(
        "Domestic abuse, 12 studies",
        "court outcomes",
        DesignLabel.QUASI,
        "no overall effect",
        Status.SOURCED,
        "doi 10.1080/07418825.2023.2181855",
        'mostly quasi-experimental: "guilty pleas rose" needs that label',
    ),
    Reported(
        "Birmingham South",
        "force, odds",
        DesignLabel.RANDOMISED,
        "-50 %",
        Status.SOURCED,
        "docslib.org 1696180",
        "46 officers, 430 shifts, 592 arrests",
    ),
)
