"""Who may be the second person, in words: the roles, and by name whom of them one could ask."""

from django.db.models import QuerySet

from openbwv.server.people.models import Person, Role
from openbwv.server.people.rules import TABLE

MOST_NAMES = 5


def who_may(deed: str, but: Person | None = None) -> QuerySet[Person]:
    """Return the open accounts whose roles allow `deed`, by name, without `but`, who began it."""
    people = Person.objects.filter(is_active=True, roles_held__role__in=list(TABLE[deed]))
    return people.exclude(pk=but.pk if but else None).distinct().order_by("display_name")


def second_person_in_words(deed: str, but: Person | None = None) -> str:
    """Return a sentence or two: which roles may, who holds them here, and that they see it on their home page."""
    roles = [Role(code).label.lower() for code in TABLE[deed]]
    listed = roles[0] if len(roles) == 1 else ", ".join(roles[:-1]) + " or " + roles[-1]
    article = "an" if listed[0] in "aeiou" else "a"
    people = who_may(deed, but)
    names = [str(person) for person in people[: MOST_NAMES + 1]]
    if not names:
        return f"It takes another person who is {article} {listed}, and there is none. Ask an administrator."
    shown = ", ".join(names[:MOST_NAMES]) + (" and others" if len(names) > MOST_NAMES else "")
    return f"It takes another person who is {article} {listed}: {shown}. They see it on their home page."
