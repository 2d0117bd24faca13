"""Render a street to film: 20 seconds of people walking past a shop front, with faces, sound and a clock.

Everything is drawn; nobody real is in it. The clock in the picture counts the milliseconds of the loop, so that a
frame can be told from its neighbours, and a tick sounds at each full second, so that picture and sound can be compared.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
from PIL import Image, ImageDraw, ImageFont

WIDTH_PX, HEIGHT_PX = 1280, 720
FRAMES_PER_S = 25
SAMPLES_PER_S = 48_000
DRAWN = "street.mp4"  # its name in the demo's folder
CLOCK_PX = (500, 30, 780, 90)  # left, top, right, bottom
THE_CLOCK = "280:60:500:30"  # the same for ffmpeg's crop
BELOW_THE_CLOCK = "1280:500:0:110"
SKINS = ("#8d5524", "#c68642", "#e0ac69", "#f1c27d", "#5c3a21", "#ffdbac")
COATS = ("#234e70", "#7a2e3a", "#3b5f41", "#5b4a7d", "#8a6d2f", "#2f4f4f")


@dataclass(frozen=True)
class Walker:
    """Somebody who walks past: drawn once, then moved."""

    sprite: Image.Image
    start_px: float
    speed_px_s: float
    top_px: int

    def x_px(self, seconds: float) -> int:
        """Return the left edge at a time; who leaves on one side comes back on the other."""
        span = WIDTH_PX + self.sprite.width
        return int((self.start_px + self.speed_px_s * seconds) % span) - self.sprite.width


def render_street(path: Path, *, seconds: int = 20) -> None:
    """Write the film to `path`, a file that ends in .mp4: H.264, 25 frames a second, and AAC mono."""
    with av.open(str(path), "w") as container:
        video = container.add_stream("libx264", rate=FRAMES_PER_S)
        video.width, video.height, video.pix_fmt = WIDTH_PX, HEIGHT_PX, "yuv420p"
        video.options = {"preset": "ultrafast", "crf": "23", "g": str(FRAMES_PER_S)}
        audio = container.add_stream("aac", rate=SAMPLES_PER_S)
        audio.layout = "mono"
        for index, picture in enumerate(_pictures(seconds)):
            frame = av.VideoFrame.from_image(picture)
            frame.pts, frame.time_base = index, Fraction(1, FRAMES_PER_S)
            container.mux(video.encode(frame))
            if index % FRAMES_PER_S == 0:
                container.mux(audio.encode(_sound_frame(index // FRAMES_PER_S)))
        container.mux(video.encode())
        container.mux(audio.encode())


def _pictures(seconds: int) -> Iterator[Image.Image]:
    street, walkers = _street(), _walkers()
    font = ImageFont.load_default(size=40)
    for index in range(seconds * FRAMES_PER_S):
        at_s = index / FRAMES_PER_S
        picture = street.copy()
        for number, walker in enumerate(walkers):
            bob_px = int(4 * math.sin(at_s * 9 + number))
            picture.paste(walker.sprite, (walker.x_px(at_s), walker.top_px + bob_px), walker.sprite)
        draw = ImageDraw.Draw(picture)
        draw.rectangle(CLOCK_PX, fill="black")
        draw.text((520, 36), f"{index // FRAMES_PER_S:02d} s {index * 1000 // FRAMES_PER_S % 1000:03d}", "white", font)
        yield picture


def _street() -> Image.Image:
    """Return the still part: sky, houses, windows, pavement."""
    picture = Image.new("RGB", (WIDTH_PX, HEIGHT_PX), "#9db7c9")
    draw = ImageDraw.Draw(picture)
    for number, colour in enumerate(("#8c6f5a", "#a3826b", "#77614f", "#96806c")):
        left = number * 320
        draw.rectangle((left, 110, left + 318, 520), fill=colour)
        for column in range(3):
            for row in range(2):
                x, y = left + 36 + column * 92, 150 + row * 110
                draw.rectangle((x, y, x + 56, y + 76), fill="#dce8ef", outline="#3d342c", width=3)
        draw.rectangle((left + 20, 380, left + 298, 520), fill="#2b3a42")
    draw.rectangle((0, 520, WIDTH_PX, 600), fill="#b9b4a8")
    draw.rectangle((0, 600, WIDTH_PX, HEIGHT_PX), fill="#4a4d50")
    for x in range(0, WIDTH_PX, 160):
        draw.rectangle((x, 655, x + 80, 664), fill="#e8e4d2")
    return picture


def _walkers() -> list[Walker]:
    """Return six people of different sizes, some walking left, some right."""
    return [
        Walker(
            sprite=_person(SKINS[number], COATS[number], scale=0.8 + 0.12 * number),
            start_px=number * 233.0,
            speed_px_s=(90 + 25 * number) * (1 if number % 2 else -1),
            top_px=300 - 26 * number,
        )
        for number in range(6)
    ]


def _person(skin: str, coat: str, *, scale: float) -> Image.Image:
    """Draw somebody: hair, face with eyes, nose and mouth, coat, arms, legs."""
    size = (140, 340)
    picture = Image.new("RGBA", size, (0, 0, 0, 0))
    draw = ImageDraw.Draw(picture)
    draw.rectangle((45, 210, 66, 330), fill="#20242a")
    draw.rectangle((76, 210, 97, 330), fill="#20242a")
    draw.rounded_rectangle((28, 108, 114, 226), radius=18, fill=coat)
    draw.rounded_rectangle((12, 112, 32, 210), radius=9, fill=coat)
    draw.rounded_rectangle((110, 112, 130, 210), radius=9, fill=coat)
    draw.ellipse((36, 4, 106, 74), fill="#2a1f1a")
    draw.ellipse((40, 14, 102, 106), fill=skin)
    for left in (54, 78):
        draw.ellipse((left, 46, left + 12, 54), fill="white")
        draw.ellipse((left + 4, 47, left + 9, 53), fill="black")
    draw.line((71, 54, 67, 70, 73, 70), fill="#5c4033", width=2)
    draw.arc((58, 70, 84, 90), 20, 160, fill="#7a1f1f", width=3)
    return picture.resize((int(size[0] * scale), int(size[1] * scale)))


def _sound_frame(second: int) -> av.AudioFrame:
    """Return one second of sound: traffic as filtered noise, a murmur, a tick at the full second."""
    noise = np.random.default_rng(second).normal(size=SAMPLES_PER_S)
    traffic = np.convolve(noise, np.ones(64) / 64, mode="same") * 0.25
    at_s = np.arange(SAMPLES_PER_S) / SAMPLES_PER_S
    murmur = 0.05 * np.sin(2 * np.pi * 180 * at_s) * (1 + np.sin(2 * np.pi * 3 * at_s))
    tick = np.where(at_s < 0.03, 0.4 * np.sin(2 * np.pi * 1000 * at_s), 0.0)
    samples = np.clip(traffic + murmur + tick, -1, 1).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="fltp", layout="mono")
    frame.sample_rate = SAMPLES_PER_S
    frame.pts, frame.time_base = second * SAMPLES_PER_S, Fraction(1, SAMPLES_PER_S)
    return frame
