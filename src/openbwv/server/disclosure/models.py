"""Requests for footage by the public: what was asked, what is held for it, what was decided, what was handed out."""

from django.conf import settings
from django.db import models

PERSON = settings.AUTH_USER_MODEL
RECORDING = "evidence.Recording"


class Kind(models.TextChoices):
    """Which law a request falls under: decided by whether the asker is in the footage."""

    SUBJECT = "subject", "Footage of myself (data protection)"
    INFORMATION = "information", "Someone else or an event (freedom of information)"


class Channel(models.TextChoices):
    """How a request came."""

    WEB = "web", "Through the web form"
    LETTER = "letter", "By letter"
    EMAIL = "email", "By e-mail"
    TELEPHONE = "telephone", "By telephone"
    DESK = "desk", "At a front desk"
    BEHALF = "behalf", "On somebody's behalf"


class RequestState(models.TextChoices):
    """How far a request is. The second text is what the asker reads: it never says whether footage exists."""

    RECEIVED = "received", "We have your request"
    IDENTITY = "identity", "We have asked you to show who you are"
    DECIDED = "decided", "We have answered"
    WITHDRAWN = "withdrawn", "You have withdrawn it"


OPEN_STATES = (RequestState.RECEIVED, RequestState.IDENTITY)


class Outcome(models.TextChoices):
    """How a request, or one recording of it, was decided. The second text is the sentence for the reader."""

    FULL = "full", "You get all of the footage you asked for"
    PART = "part", "You get part of the footage you asked for"
    REFUSED = "refused", "You do not get the footage"
    NO_FOOTAGE = "no-footage", "There is no footage"
    APPOINTMENT = "appointment", "You may view the footage by appointment"


class NoFootage(models.TextChoices):
    """The kinds of "no footage" (R9), each a sentence for the asker."""

    NONE_MADE = (
        "none-made",
        (
            "None was made: every camera that could have been there has been docked, and its counters and its journal"
            " leave no gap"
        ),
    )
    NOBODY_THERE = "nobody-there", "Nobody with a camera was there"
    NOT_RECORDING = "not-recording", "An officer with a camera was there, but it was not recording"
    DELETED = "deleted", "It was made and has been deleted; the certificate says when and under which rule"
    CANNOT_TELL = (
        "cannot-tell",
        (
            "We cannot tell: some cameras that could have been there have not been docked, or what they counted and"
            " noted is not complete"
        ),
    )


class Request(models.Model):
    """One request for footage. A reference alone shows nothing; the secret is kept as a hash."""

    reference = models.CharField(max_length=20, unique=True, help_text="such as ASK-2026-000012")
    pseudonym = models.BinaryField(
        max_length=16,
        unique=True,
        null=True,
        help_text="its 16-byte name in the custody log; empty once its words were removed",
    )
    secret_sha256 = models.BinaryField(max_length=32, help_text="SHA-256 of the secret the asker was shown once")
    kind = models.CharField(max_length=11, choices=Kind.choices, help_text="which law it falls under")
    channel = models.CharField(max_length=9, choices=Channel.choices, help_text="how it came")
    state = models.CharField(max_length=9, choices=RequestState.choices, help_text="how far it is")
    outcome = models.CharField(max_length=11, choices=Outcome.choices, blank=True, help_text="how it was decided")
    no_footage_kind = models.CharField(
        max_length=13, choices=NoFootage.choices, blank=True, help_text="which kind of no footage"
    )
    answer = models.TextField(blank=True, help_text="what the asker is told with the outcome")

    received_utc = models.DateTimeField(help_text="when it was received")
    due_on = models.DateField(help_text="we must reply by this day")
    internal_on = models.DateField(help_text="we want to reply by this day")
    due_explained = models.JSONField(default=dict, help_text="date, rule and steps of the due date")
    extended_days = models.PositiveSmallIntegerField(default=0, help_text="extension told to the asker by letter")
    extended_because = models.TextField(blank=True, help_text="reason given in that letter")
    answered_utc = models.DateTimeField(null=True, help_text="when it was answered")
    closed_utc = models.DateTimeField(null=True, help_text="when its holds ended")
    reopened_utc = models.DateTimeField(null=True, help_text="when an embargo lifted and it began anew")

    window_from_utc = models.DateTimeField(help_text="footage from this time on")
    window_to_utc = models.DateTimeField(help_text="footage up to this time")
    unit = models.ForeignKey(
        "people.Unit",
        null=True,
        on_delete=models.PROTECT,
        related_name="requests",
        help_text="borough; empty: anywhere",
    )
    officer_named = models.CharField(max_length=120, blank=True, help_text="officer's name or number, if known")
    place = models.CharField(max_length=300, blank=True, help_text="where, in the asker's words")
    description = models.TextField(blank=True, help_text="what the asker looked like, who else was there")
    name = models.CharField(max_length=120, help_text="the asker's name")
    email = models.EmailField(blank=True, help_text="where to write to; the one-time code goes there")
    postal = models.TextField(blank=True, help_text="postal address, when there is no e-mail")
    for_whom = models.CharField(max_length=120, blank=True, help_text="on whose behalf, if not the asker's own")

    assigned_to = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="requests_assigned", help_text="disclosure officer"
    )
    entered_by = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="requests_entered", help_text="who typed it in"
    )
    unbounded = models.BooleanField(default=False, help_text="wider than 6 hours and one borough: a person narrows it")
    removal = models.ForeignKey(
        "trail.Event", null=True, on_delete=models.PROTECT, related_name="+", help_text="TEXT_REMOVED: asker and words"
    )

    class Meta:
        ordering = ("-unbounded", "due_on", "id")
        indexes = [models.Index(fields=("state", "due_on"), name="request_queue")]
        constraints = [
            models.CheckConstraint(condition=models.Q(state__in=RequestState.values), name="request_state_known"),
            models.CheckConstraint(
                condition=models.Q(window_to_utc__gt=models.F("window_from_utc")), name="request_window_order"
            ),
            models.CheckConstraint(
                name="request_decided_whole",
                condition=~models.Q(state="decided") | (~models.Q(outcome="") & models.Q(answered_utc__isnull=False)),
            ),
        ]

    def __str__(self) -> str:
        return self.reference

    def get_absolute_url(self) -> str:
        """Return the address of its staff page."""
        return f"/requests/{self.reference}"

    @property
    def is_open(self) -> bool:
        """Say whether it waits for an answer."""
        return self.state in OPEN_STATES


class RequestCounter(models.Model):
    """The next number of references of one year."""

    year = models.PositiveSmallIntegerField(primary_key=True, help_text="year of receipt")
    last = models.PositiveIntegerField(default=0, help_text="last number given")

    def __str__(self) -> str:
        return f"{self.year}: {self.last}"


class Pause(models.Model):
    """The clock of a request stands still from asking for proof of identity until it came."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="pauses", help_text="of which request")
    from_utc = models.DateTimeField(help_text="when proof was asked for")
    to_utc = models.DateTimeField(null=True, help_text="when it came; empty while the clock stands")
    what = models.CharField(max_length=300, help_text="what was asked for")

    class Meta:
        ordering = ("from_utc",)
        constraints = [
            models.UniqueConstraint(fields=("request",), condition=models.Q(to_utc=None), name="one_pause_at_a_time")
        ]

    def __str__(self) -> str:
        return f"pause of {self.request_id}"


class StandingHold(models.Model):
    """The rule by which a request holds footage: looked at on submission and at every ingest (R12)."""

    request = models.OneToOneField(Request, on_delete=models.PROTECT, related_name="standing", help_text="whose")
    from_utc = models.DateTimeField(help_text="window less one hour")
    to_utc = models.DateTimeField(help_text="window plus one hour")
    unit = models.ForeignKey(
        "people.Unit", null=True, on_delete=models.PROTECT, related_name="+", help_text="borough; empty: any"
    )
    officer = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="+", help_text="officer named, if we know them"
    )
    ends_utc = models.DateTimeField(null=True, help_text="when it ends by itself; empty while the request is open")
    ended_utc = models.DateTimeField(null=True, help_text="when it ended")

    class Meta:
        indexes = [models.Index(fields=("from_utc", "to_utc"), condition=models.Q(ended_utc=None), name="standing")]

    def __str__(self) -> str:
        return f"standing hold of {self.request_id}"


class MatchState(models.TextChoices):
    """What became of one recording that a request matches."""

    FOUND = "found", "Held; nobody has looked at it yet"
    NOT_SHOWN = "not-shown", "Does not show what was asked for"
    RELEASED = "full", "To be released in full"
    PART = "part", "To be released in part"
    REFUSED = "refused", "Refused"
    EMBARGOED = "embargoed", "Not now: it is evidence in a matter that is open"


class Match(models.Model):
    """One recording that a request matches, and what was decided about it."""

    request = models.ForeignKey(Request, on_delete=models.PROTECT, related_name="matches", help_text="which request")
    recording = models.ForeignKey(RECORDING, on_delete=models.PROTECT, related_name="matches", help_text="which")
    state = models.CharField(
        max_length=9, choices=MatchState.choices, default=MatchState.FOUND, help_text="what became of it"
    )
    found_utc = models.DateTimeField(help_text="when it was found")
    why = models.CharField(max_length=300, help_text="why it matches")
    embargo_proposed = models.BooleanField(default=False, help_text="it is flagged, so an embargo is proposed")
    ground = models.CharField(max_length=200, blank=True, help_text="legal ground of a refusal or an embargo")
    reason = models.TextField(blank=True, help_text="why, in the officer's words")
    review_date = models.DateField(null=True, help_text="look at it again on this day")
    decided_by = models.ForeignKey(PERSON, null=True, on_delete=models.PROTECT, related_name="+", help_text="who")
    decided_utc = models.DateTimeField(null=True, help_text="when")
    lifted_utc = models.DateTimeField(null=True, help_text="when an embargo ended")

    class Meta:
        ordering = ("found_utc", "id")
        constraints = [
            models.UniqueConstraint(fields=("request", "recording"), name="match_once"),
            models.CheckConstraint(condition=models.Q(state__in=MatchState.values), name="match_state_known"),
            models.CheckConstraint(
                name="embargo_and_refusal_have_grounds",
                condition=~models.Q(state__in=("embargoed", "refused")) | (~models.Q(ground="") & ~models.Q(reason="")),
            ),
            models.CheckConstraint(
                name="embargo_has_review_date",
                condition=~models.Q(state="embargoed") | models.Q(review_date__isnull=False),
            ),
        ]

    def __str__(self) -> str:
        return f"{self.recording_id} for {self.request_id}"


class ReleaseState(models.TextChoices):
    """How far a release copy is. The second text is the sentence for the reader."""

    PLANNED = "planned", "The copy is being made"
    FAILED = "failed", "The copy could not be made"
    MADE = "made", "Waits for a second person's check"
    CHECKED = "checked", "Checked; may be handed out"
    DECLINED = "declined", "The second person said no"
    REPLACED = "replaced", "Dropped: another copy was made instead"
    HANDED_OUT = "handed-out", "Handed out"


class Release(models.Model):
    """One copy made for a request: the plan, the sealed object, and who checked it."""

    match = models.ForeignKey(Match, on_delete=models.PROTECT, related_name="releases", help_text="of which recording")
    state = models.CharField(
        max_length=10, choices=ReleaseState.choices, default=ReleaseState.PLANNED, help_text="how far it is"
    )
    plan = models.JSONField(help_text="from_ms, to_ms, picture (keep|fill), sound (keep|silence|none)")
    object = models.ForeignKey(
        "vault.StoredObject", null=True, on_delete=models.SET_NULL, related_name="+", help_text="the sealed copy"
    )
    sha256 = models.BinaryField(max_length=32, null=True, help_text="of the copy as it is handed out")
    length = models.PositiveBigIntegerField(default=0, help_text="of the copy, bytes")
    planned_by = models.ForeignKey(PERSON, on_delete=models.PROTECT, related_name="+", help_text="first of two")
    planned_utc = models.DateTimeField(help_text="when it was planned")
    planned_session = models.CharField(max_length=64, blank=True, help_text="hash of the first person's session")
    checker = models.ForeignKey(
        PERSON, null=True, on_delete=models.PROTECT, related_name="releases_to_check", help_text="who is to check it"
    )
    checked_by = models.ForeignKey(PERSON, null=True, on_delete=models.PROTECT, related_name="+", help_text="second")
    checked_utc = models.DateTimeField(null=True, help_text="when it was checked")
    check_note = models.TextField(blank=True, help_text="what the second person says")
    handed_utc = models.DateTimeField(null=True, help_text="when it was first handed out")
    problem = models.CharField(max_length=300, blank=True, help_text="why it could not be made")

    class Meta:
        ordering = ("planned_utc", "id")
        constraints = [
            models.CheckConstraint(
                name="release_two_people",
                condition=models.Q(checked_by=None) | ~models.Q(checked_by=models.F("planned_by")),
            ),
            models.CheckConstraint(
                name="release_checked_before_out",
                condition=~models.Q(state__in=("checked", "handed-out")) | models.Q(checked_by__isnull=False),
            ),
            models.CheckConstraint(
                name="release_checker_is_another",
                condition=models.Q(checker=None) | ~models.Q(checker=models.F("planned_by")),
            ),
        ]

    def __str__(self) -> str:
        return f"release {self.pk}"

    @property
    def recording(self) -> object:
        """Return the recording it was made from."""
        return self.match.recording


class Note(models.Model):
    """One line of the correspondence: what the asker added, or what they were told."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="notes", help_text="about which")
    at_utc = models.DateTimeField(help_text="when")
    from_asker = models.BooleanField(default=False, help_text="written by the asker")
    text = models.TextField(help_text="what was written")

    class Meta:
        ordering = ("at_utc", "id")

    def __str__(self) -> str:
        return f"note {self.pk}"


class OutboxMessage(models.Model):
    """A message to an asker: sent by mail where that is set up, and readable in the outbox of a pretend force."""

    to = models.EmailField(help_text="address")
    subject = models.CharField(max_length=200, help_text="subject")
    body = models.TextField(help_text="text; a one-time code is blanked once it was used or ran out")
    made_utc = models.DateTimeField(help_text="when it was written")
    sent_utc = models.DateTimeField(null=True, help_text="when the mail server took it")
    problem = models.CharField(max_length=300, blank=True, help_text="why it could not be sent")

    class Meta:
        ordering = ("-id",)

    def __str__(self) -> str:
        return f"{self.subject} to {self.to}"


class OneTimeCode(models.Model):
    """A code sent to the asker's address; good once, for ten minutes of the system's clock, for five tries."""

    request = models.ForeignKey(Request, on_delete=models.CASCADE, related_name="codes", help_text="for which request")
    message = models.ForeignKey(OutboxMessage, null=True, on_delete=models.SET_NULL, related_name="+", help_text="sent")
    code_sha256 = models.BinaryField(max_length=32, help_text="SHA-256 of reference and code")
    made = models.DateTimeField(help_text="system time when it was made")
    expires = models.DateTimeField(help_text="system time when it runs out")
    tries = models.PositiveSmallIntegerField(default=0, help_text="wrong tries")
    used = models.DateTimeField(null=True, help_text="system time when it was used")

    def __str__(self) -> str:
        return f"code {self.pk}"


class Attempt(models.Model):
    """A wrong secret or code from one address: what the rate limit counts. Rows older than a day are removed."""

    scope = models.CharField(max_length=20, help_text="which door: status, code, submit")
    key_sha256 = models.BinaryField(max_length=32, help_text="hash of the address or reference; not the thing itself")
    at = models.DateTimeField(help_text="system time")

    class Meta:
        indexes = [models.Index(fields=("scope", "key_sha256", "at"), name="attempt_recent")]

    def __str__(self) -> str:
        return f"{self.scope} {self.at}"
