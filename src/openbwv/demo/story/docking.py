"""The cameras are emptied over a network that breaks, and wipe on the server's receipt."""

import time
from pathlib import Path

from openbwv.demo import signed
from openbwv.demo.pages import Visitor
from openbwv.demo.processes import StepFailed
from openbwv.demo.story.filming import verify
from openbwv.demo.story.setting_up import CAMERAS, store_of
from openbwv.demo.story.telling import Story, step

HEADS_BYTES = 65_536  # more than every TLS handshake, request head and hello of one contact together
LIMIT_S = 240.0
RECEIPT_REC_ID = 1


@step("The cameras are docked, and the network breaks")
def the_network_breaks(story: Story) -> None:
    """Both cameras at once; the connection to the server is reset in the middle of a part, and later mended."""
    force, proxy = story.force, story.force.proxy
    if proxy is None:
        raise StepFailed("There is no dock.")
    camera_port = f"https://127.0.0.1:{force.dock_ports['camera']}"
    films = [(folder / "media.bin").stat().st_size for folder in story.recordings.values()]
    passed = min(films) * 3 // 4  # so whatever film is under way, the rest of it has not passed
    proxy.cut_after(passed)
    for camera in CAMERAS:
        force.runner.start(
            f"offload-{camera}", "camera", "offload", "--store", store_of(story, camera), "--dock", camera_port,
            "--wait-receipts", int(LIMIT_S), "--json",
        )  # fmt: skip
    force.runner.wait_until("dock", proxy.is_cut, "The dock sent too little", LIMIT_S)
    if proxy.cuts < 1:
        raise StepFailed("The network did not break.")
    told = _dock_says(story, "The server is not reached")
    story.must(told, f"The network broke after {proxy.bytes_to_server:,} bytes, and the dock's page says so", "HTTP")
    _cut_inside_a_part(story, passed, min(films))
    not_wiped = all((folder / "media.bin").exists() for folder in story.recordings.values())
    story.must(not_wiped, "While the server is away nothing is wiped", "the file system")
    proxy.mend()


def _dock_says(story: Story, words: str) -> bool:
    """Return whether the dock's first page comes to say this."""
    visitor = Visitor(story.force.dock_page, "somebody at the dock")
    deadline = time.monotonic() + LIMIT_S
    while words not in visitor.get("/").text:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def _cut_inside_a_part(story: Story, passed: int, shortest: int) -> None:
    """More had passed than heads, entries and set-aside bytes can be, and less than the shortest film has."""
    force = story.force
    files = [path for folder in story.recordings.values() for path in folder.iterdir() if path.name != "media.bin"]
    most = HEADS_BYTES + sum(path.stat().st_size for path in files)
    if shortest < 2 * most and not story.is_drawn:
        return  # where there is little to see the film is shorter than what goes with it, and this shows nothing
    seen = f"passed {passed}, at most {most} of them no film; the shortest film {shortest}"
    story.must(
        most < passed < shortest,
        f"It broke inside a film: at most {most:,} of the {passed:,} bytes were anything else, and the shortest has "
        f"{shortest:,}",
        "the proxy",
        seen,
    )
    held = stored_bytes(force.state / "vault")
    story.must(max(held, default=0) < shortest, "The server holds no film, for none was whole", "the file system", held)


def stored_bytes(vault: Path) -> list[int]:
    """Return the length of every file that is kept; what is being written has a name with a dot in front."""
    files = [path for path in vault.rglob("*") if not path.name.startswith(".") and path.is_file()]
    return [path.stat().st_size for path in files]


@step("The server's receipts come, and the cameras wipe")
def the_cameras_wipe(story: Story) -> None:
    """The upload goes on where it stopped; each camera verifies its receipts and wipes."""
    force = story.force
    for camera in CAMERAS:
        if (code := force.runner.wait_for_end(f"offload-{camera}", LIMIT_S)) != 0:
            raise StepFailed(f"Emptying camera {camera} ended with {code}.", force.runner.tail(f"offload-{camera}"))
    gone = [folder for folder in story.recordings.values() if (folder / "media.bin").exists()]
    story.must(not gone, "Both cameras have wiped A, B and C", "the file system", gone)
    kept = [path.name for camera in CAMERAS for path in store_of(story, camera).glob("receipts/*.cbor")]
    tombstones = [name for name in kept if name.endswith(".wiped.cbor")]
    count = len(story.recordings)
    both = len(tombstones) == count and len(kept) == 2 * count
    story.must(both, "and kept the server's receipt and a tombstone for each", "the file system", kept)
    _receipts_hold(story)
    held = stored_bytes(force.state / "vault")
    films = [(folder / "media.bin").stat().st_size for folder in story.copies.values()]
    story.must(
        set(films) <= set(held), "Each film lies on the server whole, as the one part it was sent in", "the file system"
    )
    sent = sum((folder / "media.bin").stat().st_size for folder in story.copies.values())
    extra = force.proxy.bytes_to_server - sent if force.proxy else 0
    story.shows(f"{sent:,} bytes of video went up; with the broken start and all else {extra:,} more", "the proxy")
    for name, copy in story.copies.items():
        verdict = verify(story, copy, expect=0)
        story.must(
            verdict["verdict"] == "genuine", f"The copy of {name} put aside before is still genuine", "bwv verify"
        )


def _receipts_hold(story: Story) -> None:
    """Each camera was handed a receipt that names its recording, under the force's receipt key."""
    at_s = story.force.now_ms() // 1000
    for name, folder in story.recordings.items():
        receipt = folder.parents[2] / "receipts" / f"{folder.name}.cbor"
        message = receipt.read_bytes()
        problem = signed.objection(message, story.force.trust, signed.RECEIPT, at_s=at_s)
        story.must(
            not problem, f"{name}'s receipt is signed by the receipt key, under the trust file", "openssl", problem
        )
        named = signed.body_of(message)[RECEIPT_REC_ID].hex() == folder.name
        story.must(named, f"and names {name} by the number its camera gave it", "cbor2", receipt.name)
