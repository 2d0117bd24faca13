"""Somebody else's force of the same name, made in the background while the month of the story passes."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from openbwv.demo.force import Force
from openbwv.demo.story.setting_up import enrol_camera, store_of, take_camera
from openbwv.demo.story.telling import Story
from openbwv.demo.story.watching import references

CAMERA = "0417"


def begin_forging(story: Story) -> None:
    """Start making the forgery; `story.forgery` gives its bundle, or the error that stopped it."""
    story.forged = Force(story.folder / "forged", name=story.force.name)
    pool = ThreadPoolExecutor(1, thread_name_prefix="forger")
    story.forgery = pool.submit(_forge, story.forged, story.source)
    pool.shutdown(wait=False)


def _forge(forged: Force, source: str) -> Path:
    try:
        forged.begin()
        forged.add_people("avery", "gale", "harper")
        forged.start_dock()
        other = Story(folder=forged.folder, source=source, force=forged, told=lambda _: None)
        enrol_camera(other, CAMERA)
        take_camera(other, CAMERA, "avery")
        store = store_of(other, CAMERA)
        forged.runner.run("camera", "record", "--source", source, "--seconds", 2, "--store", store, "--prebuffer", 0)
        camera_port = f"https://127.0.0.1:{forged.dock_ports['camera']}"
        forged.runner.run("camera", "offload", "--store", store, "--dock", camera_port, "--wait-receipts", 240)
        reference = references(forged.visitor("avery").get("/recordings/"))[0]
        bundle = forged.folder / "bundle"
        forged.runner.run(
            "export", reference, "--to", bundle, "--as", "gale", "--reason", "a forgery", "--state", forged.state
        )
        return bundle
    finally:
        forged.end()
