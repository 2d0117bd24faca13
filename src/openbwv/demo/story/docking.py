"""The cameras are emptied over a network that breaks, and wipe on the server's receipt."""

from openbwv.demo.pages import Visitor
from openbwv.demo.processes import StepFailed
from openbwv.demo.story.filming import verify
from openbwv.demo.story.setting_up import CAMERAS, store_of
from openbwv.demo.story.telling import Story, step

BYTES_BEFORE_THE_CUT = 700_000
LIMIT_S = 90.0


@step("The cameras are docked, and the network breaks")
def the_network_breaks(story: Story) -> None:
    """Both cameras at once; the connection to the server is reset in the middle of a part, and later mended."""
    force, proxy = story.force, story.force.proxy
    if proxy is None:
        raise StepFailed("There is no dock.")
    camera_port = f"https://127.0.0.1:{force.dock_ports['camera']}"
    proxy.cut_after(BYTES_BEFORE_THE_CUT)
    for camera in CAMERAS:
        force.runner.start(
            f"offload-{camera}", "camera", "offload", "--store", store_of(story, camera), "--dock", camera_port,
            "--wait-receipts", int(LIMIT_S), "--json",
        )  # fmt: skip
    force.runner.wait_until("dock", proxy.is_cut, "The dock sent too little", LIMIT_S)
    story.must(proxy.cuts >= 1, f"The network broke after {proxy.bytes_to_server:,} bytes", "the proxy")
    not_wiped = all((folder / "media.bin").exists() for folder in story.recordings.values())
    story.must(not_wiped, "While the server is away nothing is wiped", "the file system")
    page = Visitor(force.dock_page, "somebody at the dock").get("/")
    story.must(page.status == 200, "The dock goes on and says how things stand", "HTTP", page.text)
    proxy.mend()


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
    sent = sum((folder / "media.bin").stat().st_size for folder in story.copies.values())
    extra = force.proxy.bytes_to_server - sent if force.proxy else 0
    story.shows(f"{sent:,} bytes of video went up; with the broken start and all else {extra:,} more", "the proxy")
    for name, copy in story.copies.items():
        verdict = verify(story, copy, expect=0)
        story.must(
            verdict["verdict"] == "genuine", f"The copy of {name} put aside before is still genuine", "bwv verify"
        )
