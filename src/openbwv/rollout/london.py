"""London as the worked example: 32 boroughs and the specialist units, each figure with its status.

Names and ONS codes are public; the map of basic command units is that of 2018-19, from memory; cameras of a borough are
MODELLED at 2.03 for 1,000 residents, the rate of the seven boroughs whose numbers were published (3,430 cameras, 1.691
million residents). Westminster is under-stated by this rule. What the boroughs leave of the contract's cameras goes to
the specialist units, of which only the Territorial Support Group's 600 was published; the rest is our split.
"""

from openbwv.rollout.facts import ASSUMPTION, MODELLED, SOURCED, UNVERIFIED

FORCE = "Metropolitan Police"
CAMERAS, CAMERAS_LATER = 22_000, 30_000
MODEL = "2.03 cameras for 1,000 residents (population 2013), rounded; override where you know better"

# unit: ONS code, basic command unit, cameras modelled
BOROUGHS: dict[str, tuple[str, str, int]] = {
    "Barking and Dagenham": ("E09000002", "EA", 400),
    "Barnet": ("E09000003", "NW", 760),
    "Bexley": ("E09000004", "SE", 480),
    "Brent": ("E09000005", "NW", 650),
    "Bromley": ("E09000006", "SN", 640),
    "Camden": ("E09000007", "CN", 460),
    "Croydon": ("E09000008", "SN", 760),
    "Ealing": ("E09000009", "WA", 700),
    "Enfield": ("E09000010", "NA", 650),
    "Greenwich": ("E09000011", "SE", 550),
    "Hackney": ("E09000012", "CE", 520),
    "Hammersmith and Fulham": ("E09000013", "AW", 380),
    "Haringey": ("E09000014", "NA", 530),
    "Harrow": ("E09000015", "NW", 500),
    "Havering": ("E09000016", "EA", 500),
    "Hillingdon": ("E09000017", "WA", 580),
    "Hounslow": ("E09000018", "WA", 530),
    "Islington": ("E09000019", "CN", 440),
    "Kensington and Chelsea": ("E09000020", "AW", 320),
    "Kingston upon Thames": ("E09000021", "SW", 330),
    "Lambeth": ("E09000022", "AS", 640),
    "Lewisham": ("E09000023", "SE", 580),
    "Merton": ("E09000024", "SW", 410),
    "Newham": ("E09000025", "NE", 660),
    "Redbridge": ("E09000026", "EA", 580),
    "Richmond upon Thames": ("E09000027", "SW", 390),
    "Southwark": ("E09000028", "AS", 610),
    "Sutton": ("E09000029", "SN", 400),
    "Tower Hamlets": ("E09000030", "CE", 550),
    "Waltham Forest": ("E09000031", "NE", 540),
    "Wandsworth": ("E09000032", "SW", 640),
    "Westminster": ("E09000033", "AW", 460),
}
BCU = {
    "CE": "Central East",
    "CN": "Central North",
    "AW": "Central West",
    "AS": "Central South",
    "NA": "North",
    "NE": "North East",
    "NW": "North West",
    "EA": "East",
    "SE": "South East",
    "SN": "South",
    "SW": "South West",
    "WA": "West",
}
TSG = ("Territorial Support Group", 600, SOURCED, "600 officers from 23 Jan 2017: mynewsdesk metpoliceuk 215102")
SPLIT = "our split of what boroughs and the Territorial Support Group leave of the total; put in the force's own"
SPECIALISTS: tuple[tuple[str, int, str, str], ...] = (
    TSG,
    ("Roads and transport policing", 1200, MODELLED, SPLIT),
    ("Parliamentary and diplomatic protection", 800, MODELLED, SPLIT),
    ("Specialist firearms", 560, MODELLED, SPLIT),
    ("Aviation policing", 450, MODELLED, SPLIT),
    ("Detention", 650, MODELLED, SPLIT),
    ("Dogs, mounted and marine", 300, MODELLED, SPLIT),
    ("Taskforce and reserve", 300, MODELLED, SPLIT),
)

# What was published of the real roll-out: date, what, cameras, source, status.
PUBLISHED: tuple[tuple[str, str, int | None, str, str], ...] = (
    ("2014-05-08", "trial starts in Camden, 10 boroughs", 500, "Mayor's Question 2014/2857; Engadget", SOURCED),
    ("2015-11-24", "contract GBP 3.4m for 3 years; done by spring 2016", 22_000, "College of Policing", SOURCED),
    ("2016-10-17", "Lewisham first", None, "the brief", SOURCED),
    ("2016-11", "Brent; Havering 350", 350, "Ham & High; news.met.police.uk 229098", SOURCED),
    (
        "2017-01-23",
        "Territorial Support Group; 7,500+ officers",
        7_500,
        "mynewsdesk metpoliceuk 215102",
        SOURCED,
    ),
    ("2017-03-20", "Redbridge with Barking and Dagenham", 900, "news.met.police.uk 229098", SOURCED),
    ("2017-04", "Hackney, week of 21 April", 500, "Time Out", SOURCED),
    ("2017", "Camden with Islington; no date seen", 1_200, "Ham & High 3550462", SOURCED),
    ("2017-07-24", "Waltham Forest", 480, "Epping Forest Guardian 15431127", SOURCED),
    ("2017-12", "end now stated as before the end of 2017", 22_000, "Epping Forest Guardian 15431127", SOURCED),
)
PHASE_ONE_WEEKS, PHASE_ONE_OFFICERS = 14, 7_500
PACE_A_WEEK = 535
DAYS_A_WEEK, PAUSE_MONTHS = 7, 5
BCU_STATUS = UNVERIFIED
SEATS_STATUS = ASSUMPTION


def pause_weeks(months: int = PAUSE_MONTHS) -> int:
    """Return months as whole weeks, rounded up (5 months are 22 weeks)."""
    return -int(-months * 365.25 / 12 // DAYS_A_WEEK)


def published_rows() -> list[dict[str, object]]:
    """Return the published course as rows of a table."""
    keys = ("date", "what", "cameras", "source", "status")
    return [dict(zip(keys, row, strict=True)) for row in PUBLISHED]


def scaled(total: int) -> dict[str, int]:
    """Return unit -> cameras for a total, in proportion, to the camera (largest remainder)."""
    known = {name: cameras for name, (_, _, cameras) in BOROUGHS.items()} | {s[0]: s[1] for s in SPECIALISTS}
    whole = sum(known.values())
    shares = {name: divmod(cameras * total, whole) for name, cameras in known.items()}
    left = total - sum(each for each, _ in shares.values())
    most = sorted(shares, key=lambda name: (-shares[name][1], name))[:left]
    return {name: each + (name in most) for name, (each, _) in shares.items()}
