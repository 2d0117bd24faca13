"""The units of a London force: 32 boroughs (the City of London has its own force) and specialist units.

Source: London Government Act 1963, section 1 and schedule 1; names as the boroughs write them today.
"""

BOROUGHS = (
    "Barking and Dagenham", "Barnet", "Bexley", "Brent", "Bromley", "Camden", "Croydon", "Ealing", "Enfield",
    "Greenwich", "Hackney", "Hammersmith and Fulham", "Haringey", "Harrow", "Havering", "Hillingdon", "Hounslow",
    "Islington", "Kensington and Chelsea", "Kingston upon Thames", "Lambeth", "Lewisham", "Merton", "Newham",
    "Redbridge", "Richmond upon Thames", "Southwark", "Sutton", "Tower Hamlets", "Waltham Forest", "Wandsworth",
    "Westminster",
)  # fmt: skip
SPECIALIST_UNITS = (
    "Armed response", "Aviation security", "Dogs", "Marine policing", "Mounted branch", "Public order",
    "Roads and transport", "Territorial support",
)  # fmt: skip


def code_of(name: str) -> str:
    """Return the code of a unit's name: `Tower Hamlets` gives `tower-hamlets`."""
    return name.lower().replace(" ", "-")
