"""A force begins, its policy is approved, a dock is enrolled, two cameras are enrolled and taken."""

import re
import time
from pathlib import Path

from openbwv.demo import cast, judges
from openbwv.demo.pages import Visitor
from openbwv.demo.processes import Done, StepFailed
from openbwv.demo.story.telling import Story, step

CAMERAS = {"0417": "avery", "0418": "noor"}
SIX_DIGITS = re.compile(r"\b(\d{3})[ \u2009]?(\d{3})\b")
CODE_LIMIT_S = 120.0


@step("A force begins")
def a_force_begins(story: Story) -> None:
    """`init`, four processes, people."""
    force = story.force
    made = force.begin()
    force.add_people()
    text = judges.certificate_facts(force.trust)
    story.must("CA:TRUE" in text, "The force has a certificate authority of its own", "openssl", text)
    same = judges.fingerprint(force.trust) == str(made["fingerprint"]).replace(" ", "").lower()
    story.must(same, "Its fingerprint is the one that init printed", "openssl", made)
    home = force.stranger().get("/")
    story.must(
        "/account/login" in home.url, "Somebody without an account sees the sign-in and nothing else", "HTTP", home.url
    )
    story.must("PRETEND FORCE" in home.text, "Every page says that this is a pretend force", "HTTP", home.text)
    beats = force.wait_for_jobs()
    done = judges.rows(force.database, "SELECT job FROM trail_jobheartbeat WHERE outcome = 'done'")
    story.must(len(done) == len(beats), f"{len(beats)} jobs have run, each without a problem", "SQLite", done)


@step("Two people approve how long footage is kept")
def two_people_approve(story: Story) -> None:
    """Indra proposes 31 days, Lou looks at what it would delete and approves; nobody approves their own proposal."""
    force = story.force

    def policy(*words: object, who: str, expect: int | None = 0) -> Done:
        said = ["--as", who, "--reason", "the rule of the pretend force", "--json", "--state", force.state]
        return force.runner.run("policy", *words, *said, expect=expect)

    number = policy("propose", "--days", 31, "--least-days", 7, who="indra").json()["number"]
    own = policy("approve", number, who="indra", expect=None)
    page = force.visitor("lou").get(f"/retention/policy/{number}")
    waits = own.code not in (0, 70) and "Approved Not yet" in page.text
    story.must(waits, "Indra cannot approve what Indra proposed: it still waits", "HTTP", own.err + page.text)
    policy("show", number, who="lou")
    policy("approve", number, who="lou")
    page = force.visitor("indra").get("/retention/")
    story.must("is in force: 31 days" in page.text, "The deletion page says: 31 days", "HTTP", page.text)


@step("A dock is enrolled")
def a_dock_is_enrolled(story: Story) -> None:
    """A one-time code from the fleet manager; then the dock runs, with a proxy between it and the server."""
    force = story.force
    force.start_dock()
    chain = force.dock_store / "identity" / "chain.pem"
    story.must(judges.chain_holds(chain, force.trust), "The dock's certificate comes from the force's CA", "openssl")
    other = force.runner.run(
        "dock", "enrol", "--server", force.site, "--code", "AAAAA-BBBBB-CCCCC-DDDDD", "--store",
        story.folder / "false-dock", expect=None,
    )  # fmt: skip
    page = force.visitor("harper").get("/fleet/")
    refused = other.code not in (0, 70) and "1 dock" in page.text
    story.must(refused, "A dock with a made-up code is refused: the force has one dock", "HTTP", other.err + page.text)


@step("Two cameras are enrolled and taken")
def cameras_are_enrolled_and_taken(story: Story) -> None:
    """The digits on camera and dock are compared, Harper confirms, officers take them at the dock's page."""
    for name, officer in CAMERAS.items():
        enrol_camera(story, name)
        take_camera(story, name, officer)
    page = Visitor(story.force.dock_page, "somebody at the dock").get("/")
    known = all(name in page.text for name in CAMERAS)
    story.must(known, "The dock's page says who has which camera", "HTTP", page.text)


def store_of(story: Story, camera: str) -> Path:
    """Return a camera's folder."""
    return story.folder / f"camera-{camera}"


def enrol_camera(story: Story, name: str) -> None:
    """Enrol one camera: digits compared on both, confirmed by Harper at the dock's page."""
    force, store = story.force, store_of(story, name)
    process = f"enrol-{name}"
    enrol_port = f"https://127.0.0.1:{force.dock_ports['enrol']}"
    force.runner.start(process, "camera", "enrol", "--dock", enrol_port, "--store", store, "--name", name)
    at_dock = Visitor(force.dock_page, "Harper at the dock")
    shown = _wait_for_digits(story, process)
    page = at_dock.get(at_dock.get("/").link("/enrol/"))
    on_dock = {"".join(digits) for digits in SIX_DIGITS.findall(page.text)}
    story.must(shown in on_dock, f"Camera {name} and the dock show the same six digits", "HTTP", page.text)
    page = at_dock.submit(page, "digits are the same", username="harper", password=force.passwords["harper"])
    if force.runner.wait_for_end(process) != 0:
        raise StepFailed(f"Camera {name} was not enrolled.", page.text[-600:] + force.runner.tail(process))
    holds = judges.chain_holds(store / "identity" / "chain.pem", force.trust)
    story.must(holds, f"Camera {name}'s certificate comes from the force's CA", "openssl")


def _wait_for_digits(story: Story, process: str) -> str:
    deadline = time.monotonic() + CODE_LIMIT_S
    while time.monotonic() < deadline:
        digits = SIX_DIGITS.search(story.force.runner.tail(process))
        if digits:
            return "".join(digits.groups())
        if not story.force.runner.is_running(process):
            break
        time.sleep(0.1)
    raise StepFailed("The camera showed no digits.", story.force.runner.tail(process))


def take_camera(story: Story, name: str, officer: str) -> None:
    """Let an officer take a camera at the dock's page, with their own sign-in."""
    force, process = story.force, f"assign-{name}"
    camera_port = f"https://127.0.0.1:{force.dock_ports['camera']}"
    force.runner.start(
        process,
        "camera",
        "assign",
        "--store",
        store_of(story, name),
        "--dock",
        camera_port,
        "--wait",
        int(CODE_LIMIT_S),
    )
    at_dock = Visitor(force.dock_page, officer)
    deadline = time.monotonic() + CODE_LIMIT_S
    while name not in (page := at_dock.get("/take")).text:
        if time.monotonic() > deadline or not force.runner.is_running(process):
            raise StepFailed(f"Camera {name} does not appear in the dock.", force.runner.tail(process))
        time.sleep(0.2)
    camera = page.form("/take").option("camera", name)
    page = at_dock.submit(
        page, "/take", camera=camera, username=officer, password=force.passwords[officer], hours="168"
    )
    if force.runner.wait_for_end(process) != 0:
        raise StepFailed(f"Camera {name} did not get its assignment.", page.text[:400] + force.runner.tail(process))
    page = force.visitor("harper").get("/fleet/assignments")
    taken = f"{name} {cast.called(officer)}" in page.text
    story.must(taken, f"{officer.title()} took camera {name} with their own sign-in", "HTTP", page.text)
