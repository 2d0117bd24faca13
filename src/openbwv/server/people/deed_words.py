"""Each deed of the table of rights in words, for the page of one's own account; a test finds one without."""

from collections.abc import Set

from openbwv.server.people.rules import TABLE, Scope

DEEDS = {
    "watch": "watch recordings",
    "see": "see recordings, with their facts and their trail",
    "flag": "flag recordings as evidence and say what they show",
    "remove-flag-propose": "ask to take a flag off",
    "remove-flag-confirm": "decide whether a flag is taken off",
    "hold": "put recordings on hold",
    "release-hold": "release holds",
    "restrict": "restrict recordings to a team",
    "export": "download recordings",
    "claim": "say who had a camera",
    "open-matter": "open and close matters",
    "second-check": "decide as the second person about holds and copies",
    "approve-policy-first": "propose how long footage stays, and deletions before their time",
    "approve-policy-second": "decide about these as the second person",
    "confirm-camera": "enrol and revoke cameras and docks",
    "write-off-propose": "propose to write a camera off",
    "write-off-confirm": "decide whether a camera is written off",
    "see-cameras": "see cameras and docks",
    "requests": "answer requests for footage",
    "see-retention": "see what is going to be deleted",
    "see-log": "read the custody log",
    "see-accounts": "see accounts and jobs",
    "manage-people": "add and change accounts",
}
REACH = {
    Scope.OWN: "your own",
    Scope.UNIT: "those of your unit",
    Scope.REQUEST: "those that match a request assigned to you",
    Scope.PLACED: "those that you placed",
}


def rights_in_words(roles: Set[str]) -> list[str]:
    """Return what somebody with `roles` may do, a line each, with how far it reaches."""
    lines = []
    for deed, by in TABLE.items():
        grants = [grant for role, grant in by.items() if role in roles]
        if not grants:
            continue
        reach = [REACH[grant.scope] for grant in grants if grant.scope in REACH]
        everywhere = len(reach) < len(grants)
        reason = everywhere and all(grant.reason for grant in grants if grant.scope not in REACH)
        words = DEEDS[deed] if everywhere or not reach else f"{DEEDS[deed]}: {' and '.join(dict.fromkeys(reach))}"
        lines.append(words + (", after giving a reason" if reason else ""))
    return lines
