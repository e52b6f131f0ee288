from __future__ import annotations

import io
import struct
import zlib
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image, features
from torch import Tensor

from usae_viz.errors import ImageSourceError
from usae_viz.images import read_canvas

RED, GREEN, BLUE, WHITE, BLACK = (
    (255, 0, 0),
    (0, 255, 0),
    (0, 0, 255),
    (255, 255, 255),
    (0, 0, 0),
)


def encode(picture: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    picture.save(buffer, kind, **options)
    return buffer.getvalue()


def quadrants() -> Image.Image:
    """Red, green / blue, white: no two turns or mirrorings of it look alike."""
    picture = Image.new("RGB", (32, 32), RED)
    picture.paste(GREEN, (16, 0, 32, 16))
    picture.paste(BLUE, (0, 16, 16, 32))
    picture.paste(WHITE, (16, 16, 32, 32))
    return picture


def corners(image: Tensor) -> list[tuple[int, ...]]:
    """Colours near the corners (top left, top right, bottom left, bottom right), 0 or 255."""
    near, far = 3, image.shape[-1] - 4
    places = [(near, near), (near, far), (far, near), (far, far)]
    return [tuple(255 * int(v > 127) for v in image[:, y, x]) for y, x in places]


def pixel(data: bytes) -> tuple[int, ...]:
    return tuple(int(v) for v in read_canvas(data, 8)[:, 4, 4])


def test_canvas_is_a_square_of_uint8_rgb() -> None:
    image = read_canvas(encode(quadrants()), 16)
    assert image.shape == (3, 16, 16)
    assert image.dtype == torch.uint8
    assert image.is_contiguous()
    assert corners(image) == [RED, GREEN, BLUE, WHITE]


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "TIFF"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_exif_orientation_is_honoured(kind: str, orientation: int) -> None:
    stored = {
        1: [],
        2: [Image.Transpose.FLIP_LEFT_RIGHT],
        3: [Image.Transpose.ROTATE_180],
        4: [Image.Transpose.FLIP_TOP_BOTTOM],
        5: [Image.Transpose.TRANSPOSE],
        6: [Image.Transpose.ROTATE_90],
        7: [Image.Transpose.TRANSVERSE],
        8: [Image.Transpose.ROTATE_270],
    }[orientation]
    picture = quadrants()
    for turn in stored:
        picture = picture.transpose(turn)
    exif = Image.Exif()
    exif[0x0112] = orientation
    image = read_canvas(encode(picture, kind, exif=exif), 32)
    assert corners(image) == [RED, GREEN, BLUE, WHITE]


def test_center_crops_the_middle_and_squash_keeps_everything() -> None:
    wide = Image.new("RGB", (96, 32), GREEN)
    wide.paste(RED, (0, 0, 32, 32))
    wide.paste(BLUE, (64, 0, 96, 32))
    assert set(corners(read_canvas(encode(wide), 32, "center"))) == {GREEN}
    assert corners(read_canvas(encode(wide), 32, "squash")) == [RED, BLUE, RED, BLUE]


@pytest.mark.parametrize("size", [(1, 1), (1, 300), (300, 1), (3, 2)])
@pytest.mark.parametrize("crop", ["center", "squash"])
def test_any_size_of_picture_fills_the_canvas(size: tuple[int, int], crop: Any) -> None:
    image = read_canvas(encode(Image.new("RGB", size, BLUE)), 16, crop)
    assert image.shape == (3, 16, 16)
    assert set(corners(image)) == {BLUE}


def test_resampling_is_antialiased() -> None:
    stripes = np.zeros((256, 256, 3), np.uint8)
    stripes[:, ::2] = 255
    image = read_canvas(encode(Image.fromarray(stripes)), 16).float()
    assert (image[:, 2:-2, 2:-2] - 127.5).abs().max() < 8


def test_a_large_jpeg_is_not_degraded_by_the_decoders_own_scaling() -> None:
    y, x = np.mgrid[:512, :512]
    smooth = np.stack([x / 2, y / 2, (x + y) / 4], -1).astype(np.uint8)
    picture = Image.fromarray(smooth)
    expected = np.asarray(picture.resize((64, 64), Image.Resampling.BICUBIC)).astype(int)
    image = read_canvas(encode(picture, "JPEG", quality=95), 64).permute(1, 2, 0).numpy()
    assert np.abs(image - expected).max() <= 4


def test_transparency_is_laid_over_white() -> None:
    clear = Image.new("RGBA", (8, 8), (255, 0, 0, 0))
    assert pixel(encode(clear)) == WHITE
    half = Image.new("RGBA", (8, 8), (0, 0, 0, 128))
    assert pixel(encode(half)) == (127, 127, 127)
    assert pixel(encode(Image.new("LA", (8, 8), (0, 0)))) == WHITE
    assert pixel(encode(Image.new("LA", (8, 8), (0, 255)))) == BLACK


def test_palettes_are_looked_up_and_their_transparent_entry_is_white() -> None:
    picture = Image.new("P", (8, 8), 1)
    picture.putpalette([255, 0, 0, 0, 255, 0])
    assert pixel(encode(picture)) == GREEN
    assert pixel(encode(picture, transparency=1)) == WHITE
    assert pixel(encode(picture, "GIF")) == GREEN
    assert pixel(encode(Image.new("RGB", (8, 8), BLUE), transparency=BLUE)) == WHITE


@pytest.mark.parametrize("kind", ["GIF", "PNG", "WEBP", "TIFF"])
def test_of_an_animation_the_first_frame_is_taken(kind: str) -> None:
    frames = [Image.new("RGB", (8, 8), colour) for colour in (RED, GREEN, BLUE)]
    data = encode(frames[0], kind, save_all=True, append_images=frames[1:], lossless=True)
    with Image.open(io.BytesIO(data)) as opened:
        assert opened.n_frames == 3
    assert pixel(data) == RED


def test_crop_pct_keeps_the_middle_of_the_shorter_side() -> None:
    framed = Image.new("RGB", (60, 40), RED)
    framed.paste(BLUE, (20, 10, 40, 30))
    data = encode(framed)
    assert RED in corners(read_canvas(data, 16, "center"))
    assert set(corners(read_canvas(data, 16, "center", 0.5))) == {BLUE}


def test_pad_keeps_everything_between_grey_borders() -> None:
    wide = Image.new("RGB", (64, 32), RED)
    image = read_canvas(encode(wide), 32, "pad")
    assert {tuple(image[:, y, x].tolist()) for y in (1, 30) for x in (1, 30)} == {(128,) * 3}
    assert tuple(image[:, 16, 0].tolist()) == tuple(image[:, 16, 31].tolist()) == RED


def test_cmyk_becomes_rgb() -> None:
    cyan = Image.new("CMYK", (16, 16), (255, 0, 0, 0))
    assert pixel(encode(cyan, "TIFF")) == (0, 255, 255)
    r, g, b = pixel(encode(cyan, "JPEG", quality=100))
    assert r < 20
    assert min(g, b) > 235


@pytest.mark.parametrize("level", [0, 128, 255])
def test_sixteen_bit_grey_keeps_its_range(level: int) -> None:
    grey = np.full((8, 8), level * 257, np.uint16)
    picture = Image.fromarray(grey)
    assert picture.mode == "I;16"
    assert pixel(encode(picture)) == (level, level, level)
    assert pixel(encode(picture, "TIFF")) == (level, level, level)
    portable = b"P5 8 8 65535\n" + grey.astype(">u2").tobytes()
    assert pixel(portable) == (level, level, level)


def test_one_and_eight_bit_grey_become_rgb() -> None:
    assert pixel(encode(Image.new("1", (8, 8), 1))) == WHITE
    assert pixel(encode(Image.new("L", (8, 8), 77))) == (77, 77, 77)


def test_floating_point_pictures_are_refused_rather_than_guessed() -> None:
    with pytest.raises(ImageSourceError, match="floating-point"):
        read_canvas(encode(Image.new("F", (8, 8), 0.5), "TIFF"), 8)


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF"])
def test_truncated_files_are_refused(kind: str) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    data = encode(Image.fromarray(noise), kind)
    read_canvas(data, 16)
    for share in (0.02, 0.3, 0.6):
        with pytest.raises(ImageSourceError, match="no readable image"):
            read_canvas(data[: int(len(data) * share)], 16)


@pytest.mark.filterwarnings("ignore")  # Pillow warns of some damages that it can mend
@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "GIF", "BMP", "TIFF", "PPM", "JPEG2000"])
def test_damaged_files_give_an_image_or_our_error(kind: str) -> None:
    if kind == "JPEG2000" and not features.check("jpg_2000"):
        pytest.skip("Pillow without JPEG 2000")
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (16, 16, 3), dtype=np.uint8)
    whole = np.frombuffer(encode(Image.fromarray(noise), kind), np.uint8)
    refused = 0
    for _ in range(60):
        data = whole.copy()
        places = random.integers(0, min(len(data), 200), 4)
        data[places] = random.integers(0, 256, 4)
        try:
            assert read_canvas(data.tobytes(), 8).shape == (3, 8, 8)
        except ImageSourceError:
            refused += 1
    assert refused


def test_nothing_and_text_are_refused() -> None:
    with pytest.raises(ImageSourceError, match="empty"):
        read_canvas(b"", 8)
    with pytest.raises(ImageSourceError, match="no readable image"):
        read_canvas(b"this is a letter, not a photograph", 8)


def test_programs_for_pages_are_not_decoded() -> None:
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 8 8\n%%EndComments\nshowpage\n"
    with pytest.raises(ImageSourceError, match="no readable image"):
        read_canvas(postscript, 8)


def png_claiming(width: int, height: int) -> bytes:
    """A tiny PNG whose header promises `width` x `height` grey pixels."""
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(b"\0" * 1000)), (b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
        for name, body in chunks
    )


@pytest.mark.parametrize("side", [10_000, 60_000])
def test_decompression_bombs_are_refused_before_they_unpack(side: int) -> None:
    with pytest.raises(ImageSourceError, match="too large to decode safely"):
        read_canvas(png_claiming(side, side), 8)


@pytest.mark.filterwarnings("ignore")
def test_bombs_are_refused_where_warnings_are_ignored_too() -> None:
    with pytest.raises(ImageSourceError, match="too large to decode safely: 10000 x 10000"):
        read_canvas(png_claiming(10_000, 10_000), 8)


@pytest.mark.filterwarnings("ignore")
def test_damaged_metadata_does_not_cost_the_image() -> None:
    data = encode(quadrants(), "JPEG", exif=b"Exif\0\0MM\0*\0\0\0\x08\xff\xff\x01\x12")
    assert corners(read_canvas(data, 32)) == [RED, GREEN, BLUE, WHITE]
