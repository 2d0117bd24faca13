"""The last steps: a bundle that anybody can check offline, one changed byte, and a whole forged force."""

import shutil
from pathlib import Path

from openbwv.demo import judges
from openbwv.demo.processes import StepFailed
from openbwv.demo.story.filming import verify
from openbwv.demo.story.telling import Story, step
from openbwv.demo.story.watching import address

MIDDLE = 2  # the byte in the middle of the file


@step("A bundle is exported and is genuine")
def a_bundle_is_exported(story: Story) -> None:
    """Gale exports A; the verifier, bagit and ffprobe look at it."""
    story.bundle = story.folder / "bundle"
    story.force.runner.run(
        "export", story.references["A"], "--to", story.bundle, "--as", "gale", "--reason", "disclosure to the defence",
        "--state", story.force.state, "--json",
    )  # fmt: skip
    verdict = verify(story, story.bundle, expect=0)
    story.must(verdict["verdict"] == "genuine", "The bundle of A is genuine", "bwv verify", verdict)
    story.must(judges.bag_is_valid(story.bundle), "It is complete", "bagit")
    same = (story.bundle / "data" / "manifest.cbor").read_bytes() == (story.copies["A"] / "manifest.cbor").read_bytes()
    story.must(same, "Its manifest is, byte for byte, what the camera wrote", "the file system")
    streams = judges.streams(story.bundle / "data" / "view.mp4")
    story.must(story.plays(streams), "It holds a film that any player opens", "ffprobe", streams)
    without = verify(story, story.bundle, expect=2, trust=False)
    story.must(without["verdict"] == "cannot-tell", "Without the trust file: cannot tell", "bwv verify", without)
    refused = story.force.runner.run(
        "export", story.references["A"], "--to", story.folder / "stolen", "--as", "frankie", "--reason", "curious",
        "--state", story.force.state, expect=None,
    )  # fmt: skip
    frankie = story.force.visitor("frankie")
    answer = frankie.post_bytes(f"{address(story, 'A')}/export", frankie.get("/"), reason="curious")
    story.must(answer.status_code == 403, "Frankie may not download it", "HTTP", answer.status_code)
    nothing = refused.code == 77 and not (story.folder / "stolen").exists()
    story.must(nothing, "and gets nothing by the command either", "the file system", refused.err)


@step("One changed byte is found")
def one_byte_is_changed(story: Story) -> None:
    """A byte in the middle of the film, and one in the middle of the manifest."""
    for name in ("master.mp4", "manifest.cbor"):
        copy = story.folder / f"changed-{name}"
        shutil.copytree(story.bundle or story.folder, copy)
        _flip(copy / "data" / name)
        verdict = verify(story, copy, expect=1)
        codes = sorted({reason["code"] for reason in verdict["reasons"]})
        story.must(
            verdict["verdict"] == "changed", f"A byte of {name} changed: {', '.join(codes)}", "bwv verify", verdict
        )


@step("A whole forged force is found out")
def a_forged_force_is_found_out(story: Story) -> None:
    """Somebody makes a force of the same name: own CA, camera, dock, log and bundle. Everything holds in itself."""
    if story.forgery is None:
        raise StepFailed("Nobody forged anything.")
    bundle = story.forgery.result()
    trust = bundle.parent / "state" / "trust.pem"
    camera = bundle.parent / "camera-0417" / "identity" / "chain.pem"
    judged = judges.chain_holds(camera, trust), judges.chain_holds(camera, story.force.trust)
    story.must(judged == (True, False), "Its camera's chain leads to its own CA, and not to ours", "openssl", judged)
    own = story.force.runner.run("verify", bundle, "--trust", trust, "--json", expect=0).json()
    story.must(own["verdict"] == "genuine", "Under its own trust file the forgery holds in itself", "bwv verify", own)
    verdict = verify(story, bundle, expect=2, trust=False)
    story.must(verdict["verdict"] == "cannot-tell", "Without a trust file: cannot tell, never genuine", "bwv verify")
    verdict = verify(story, bundle, expect=1)
    story.must(verdict["verdict"] == "changed", "With the true trust file: not this force's", "bwv verify", verdict)


def _flip(path: Path) -> None:
    data = bytearray(path.read_bytes())
    data[len(data) // MIDDLE] ^= 0x01
    path.write_bytes(data)
