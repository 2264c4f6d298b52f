"""Every mode × format × bit depth that Pillow writes, small, and what its convert("RGB") makes of each: tests/images.

Files that Pillow reads but does not write (16-bit colour, planes apart, tiles, orientation) come from bytes or libtiff's tags.
"""
import io
import json
import pathlib
import shutil
import struct
import zlib

import numpy as np
import torch
from PIL import Image, ImageCms, ImageSequence, TiffImagePlugin
from safetensors.torch import save_file

WIDTH, HEIGHT = 13, 9
MODES = ["1", "L", "LA", "P", "PA", "RGB", "RGBA", "RGBX", "RGBa", "CMYK", "YCbCr", "LAB", "HSV", "I", "I;16", "I;16B", "F"]
FORMATS = {"png": "PNG", "jpg": "JPEG", "webp": "WEBP", "tif": "TIFF", "bmp": "BMP", "gif": "GIF", "ppm": "PPM"}


def picture(mode, seed=0):
    """Noise with soft parts; numbers beyond 255 where the mode has them."""
    noise = np.random.default_rng(seed).integers(0, 256, (HEIGHT, WIDTH, 4), dtype=np.uint8)
    noise[2:5, 2:8] //= 3
    rgba = Image.fromarray(noise, "RGBA")
    if mode in ("I", "I;16", "I;16B"):
        wide = noise[..., 0].astype(np.int32) * 3
        if mode == "I":
            return Image.fromarray(wide, "I")
        return Image.fromarray(wide.astype("<u2" if mode == "I;16" else ">u2"), mode)
    if mode == "F":
        return Image.fromarray(noise[..., 0].astype(np.float32) * 1.5 - 40, "F")
    if mode == "P":
        return rgba.convert("RGB").quantize(17)
    if mode == "PA":
        return rgba.convert("RGB").quantize(17).convert("PA")
    if mode == "LAB":
        lab = ImageCms.createProfile("LAB")
        return ImageCms.profileToProfile(rgba.convert("RGB"), ImageCms.createProfile("sRGB"), lab, outputMode="LAB")
    if mode in ("RGBA", "RGBX"):
        return rgba if mode == "RGBA" else rgba.convert("RGB").convert("RGBX")
    if mode == "RGBa":
        return rgba.convert("RGBa")
    if mode == "LA":
        return rgba.convert("LA")
    return rgba.convert("RGB").convert(mode)


def written(mode, kind, **options):
    buffer = io.BytesIO()
    picture(mode).save(buffer, kind, **options)
    return buffer.getvalue()


def png_of(bits, colours, rows, extra=b""):
    """A PNG from its raw rows: what Pillow reads and does not write."""
    def chunk(name, content):
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))
    head = struct.pack(">IIBBBBB", WIDTH, HEIGHT, bits, colours, 0, 0, 0)
    return (b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + extra + chunk(b"IDAT", zlib.compress(b"".join(b"\0" + row for row in rows)))
            + chunk(b"IEND", b""))


def wide_rows(samples, seed=3):
    wide = np.random.default_rng(seed).integers(0, 65536, (HEIGHT, WIDTH * samples)).astype(">u2")
    return [row.tobytes() for row in wide]


def tiff_of(bits, photometric, samples, rows, little=True, planes=1, orientation=1, extra=None, format_=1, fill=1, palette=None):
    """An uncompressed TIFF of one strip (a strip a plane where they lie apart)."""
    end = "<" if little else ">"
    data = b"".join(rows) if planes == 1 else b"".join(b"".join(plane) for plane in rows)
    strip = len(data) // (samples if planes == 2 else 1)
    strips = samples if planes == 2 else 1
    entries, blob = [], b""
    at = 8 + len(data) + (-len(data)) % 2

    def entry(tag, kind, values):
        nonlocal blob
        code = {3: "H", 4: "I"}[kind]
        packed = struct.pack(end + code * len(values), *values)
        entries.append((tag, kind, len(values), packed))

    entry(256, 4, [WIDTH]); entry(257, 4, [HEIGHT]); entry(258, 3, [bits] * samples); entry(259, 3, [1]); entry(262, 3, [photometric])
    entry(266, 3, [fill]); entry(273, 4, [8 + i * strip for i in range(strips)]); entry(274, 3, [orientation]); entry(277, 3, [samples])
    entry(278, 4, [HEIGHT]); entry(279, 4, [strip] * strips); entry(284, 3, [planes])
    if palette is not None:
        entry(320, 3, palette)
    if extra is not None:
        entry(338, 3, extra)
    entry(339, 3, [format_] * samples)
    tail = at + 2 + 12 * len(entries) + 4
    directory = struct.pack(end + "H", len(entries))
    for tag, kind, count, packed in sorted(entries):
        value = packed.ljust(4, b"\0")
        if len(packed) > 4:
            value = struct.pack(end + "I", tail + len(blob))
            blob += packed + b"\0" * (len(packed) % 2)
        directory += struct.pack(end + "HHI", tag, kind, count) + value
    head = (b"II" if little else b"MM") + struct.pack(end + "HI", 42, at)
    return head + data.ljust(at - 8, b"\0") + directory + b"\0\0\0\0" + blob


def bmp_of(bits, compression, rows, masks=b"", palette=b"", height=HEIGHT, header=40):
    colours = len(palette) // 4
    offset = 14 + header + len(masks) + len(palette)
    data = b"".join(rows)
    return (struct.pack("<2sIHHI", b"BM", offset + len(data), 0, 0, offset)
            + struct.pack("<IiiHHIIiiII", header, WIDTH, height, 1, bits, compression, len(data), 2835, 2835, colours, 0)
            + masks + palette + data)


def from_bytes():
    random = np.random.default_rng(5)
    bits_of = lambda n, samples=1: [random.integers(0, 256, (WIDTH * samples * n + 7) // 8, dtype=np.uint8).tobytes() for _ in range(HEIGHT)]
    files = {
        "rgb16.png": png_of(16, 2, wide_rows(3)), "rgba16.png": png_of(16, 6, wide_rows(4)), "la16.png": png_of(16, 4, wide_rows(2)),
        "grey16.png": png_of(16, 0, wide_rows(1)), "grey1.png": png_of(1, 0, bits_of(1)), "grey2.png": png_of(2, 0, bits_of(2)),
        "grey4.png": png_of(4, 0, bits_of(4)),
    }
    for bits in (1, 2, 4, 8):
        rows = bits_of(bits)
        for photometric in (0, 1):
            files[f"grey{bits}_{photometric}.tif"] = tiff_of(bits, photometric, 1, rows)
        if bits > 1:
            files[f"palette{bits}.tif"] = tiff_of(bits, 3, 1, rows, palette=random.integers(0, 65536, 3 << bits).tolist())
    wide = lambda samples, end="<": [random.integers(0, 65536, WIDTH * samples).astype(end + "u2").tobytes() for _ in range(HEIGHT)]
    files["rgb16.tif"], files["rgb16_big.tif"] = tiff_of(16, 2, 3, wide(3)), tiff_of(16, 2, 3, wide(3, ">"), little=False)
    files["rgba16.tif"] = tiff_of(16, 2, 4, wide(4), extra=[2])
    files["grey16_big.tif"] = tiff_of(16, 1, 1, wide(1, ">"), little=False)
    files["grey16_signed.tif"] = tiff_of(16, 1, 1, wide(1), format_=2)
    files["premultiplied.tif"] = tiff_of(8, 2, 4, [random.integers(0, 256, WIDTH * 4, dtype=np.uint8).tobytes() for _ in range(HEIGHT)], extra=[1])
    plane = lambda: [random.integers(0, 256, WIDTH, dtype=np.uint8).tobytes() for _ in range(HEIGHT)]
    files["planes.tif"] = tiff_of(8, 2, 3, [plane(), plane(), plane()], planes=2)
    rgb = lambda: [random.integers(0, 256, WIDTH * 3, dtype=np.uint8).tobytes() for _ in range(HEIGHT)]
    for orientation in range(1, 9):
        files[f"turned{orientation}.tif"] = tiff_of(8, 2, 3, rgb(), orientation=orientation)
    padded = lambda n: [row.ljust((WIDTH * n + 31) // 32 * 4, b"\0") for row in bits_of(n)]
    palette = random.integers(0, 256, 1024, dtype=np.uint8).tobytes()
    files |= {
        "one.bmp": bmp_of(1, 0, padded(1), palette=palette[:8]), "four.bmp": bmp_of(4, 0, padded(4), palette=palette[:64]),
        "eight.bmp": bmp_of(8, 0, padded(8), palette=palette), "sixteen.bmp": bmp_of(16, 0, padded(16)),
        "565.bmp": bmp_of(16, 3, padded(16), masks=struct.pack("<III", 0xF800, 0x7E0, 0x1F)),
        "32.bmp": bmp_of(32, 0, padded(32)), "downwards.bmp": bmp_of(24, 0, padded(24), height=-HEIGHT),
        "bgra.bmp": bmp_of(32, 3, padded(32), masks=struct.pack("<III", 0xFF0000, 0xFF00, 0xFF)),
        "rle8.bmp": bmp_of(8, 1, [bytes([5, 7, 0, 3, 1, 2, 3, 0, 5, 9, 0, 0]) * HEIGHT + b"\0\1"], palette=palette),
        "rle4.bmp": bmp_of(4, 2, [bytes([5, 0x71, 0, 5, 0x12, 0x34, 0x50, 0, 3, 0x9A, 0, 0]) * HEIGHT + b"\0\1"], palette=palette[:64]),
        "p1.pbm": b"P1\n# bits\n13 9\n" + b" ".join(b"%d" % b for b in random.integers(0, 2, 117)),
        "p2.pgm": b"P2 13 9 100\n" + b" ".join(b"%d" % b for b in random.integers(0, 101, 117)),
        "p3.ppm": b"P3\n13 9\n# colours\n255\n" + b"\n".join(b"%d" % b for b in random.integers(0, 256, 351)),
        "p4.pbm": b"P4\n13 9\n" + b"".join(bits_of(1)),
        "p5_100.pgm": b"P5 13 9 100\n" + random.integers(0, 101, 117, dtype=np.uint8).tobytes(),
        "p5_16.pgm": b"P5 13 9 65535\n" + b"".join(wide(1, ">")),
        "p6_7.ppm": b"P6\n13 9\n7\n" + random.integers(0, 8, 351, dtype=np.uint8).tobytes(),
        "p6_16.ppm": b"P6\n13 9 1000 " + random.integers(0, 1001, 351).astype(">u2").tobytes(),
    }
    return files


def encoded(image, kind, **options):
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def by_pillow():
    files = {}
    for mode in MODES:
        for ending, kind in FORMATS.items():
            try:
                files[f"{mode.replace(';', '_')}.{ending}"] = written(mode, kind)
            except (OSError, KeyError, ValueError, TypeError):
                continue  # the format has no such mode
    for compression in ("tiff_lzw", "tiff_adobe_deflate", "packbits", "jpeg", "group4"):
        for mode in ("1", "L", "RGB", "RGBA", "CMYK"):
            try:
                files[f"{mode}_{compression}.tif"] = written(mode, "TIFF", compression=compression)
            except (OSError, KeyError, ValueError, TypeError):
                continue
    rgb, grey = picture("RGB"), picture("L")
    exif = Image.Exif()
    exif[0x0112] = 6
    frames = [picture("RGB", seed) for seed in range(3)]
    files |= {
        "exif.jpg": encoded(rgb, "JPEG", exif=exif), "progressive.jpg": encoded(rgb, "JPEG", progressive=True),
        "444.jpg": encoded(rgb, "JPEG", subsampling=0), "422.jpg": encoded(rgb, "JPEG", subsampling=1),
        "moving.webp": encoded(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True),
        "lossless_alpha.webp": encoded(picture("RGBA"), "WEBP", lossless=True, exact=True),
        "moving.png": encoded(frames[0], "PNG", save_all=True, append_images=frames[1:]),
        "moving.gif": encoded(frames[0], "GIF", save_all=True, append_images=frames[1:]),
        "pages.tif": encoded(frames[0], "TIFF", save_all=True, append_images=frames[1:]),
        "transparent.gif": encoded(picture("P"), "GIF", transparency=2), "interlaced.gif": encoded(grey, "GIF", interlace=1),
        "transparent.png": encoded(picture("P"), "PNG", transparency=2), "transparent_grey.png": encoded(grey, "PNG", transparency=77),
        "bits.png": encoded(picture("P"), "PNG", bits=4), "predictor.tif": encoded(rgb, "TIFF", compression="tiff_lzw", tiffinfo={317: 2}),
        "tiled.tif": tiled(),
    }
    return files


def tiled():
    info = TiffImagePlugin.ImageFileDirectory_v2()
    info[322], info[323] = 16, 16
    return encoded(picture("RGB"), "TIFF", tiffinfo=info, compression="tiff_deflate")


# What fewstep refuses and Pillow reads; docs/parity.md gives the reasons.
REFUSED = ("LAB.tif", "YCbCr.tif")


def make(out: pathlib.Path):
    files = by_pillow() | from_bytes()
    shutil.rmtree(out / "files", ignore_errors=True)
    (out / "files").mkdir(parents=True)
    pixels, notes = {}, {}
    for name, content in sorted(files.items()):
        try:
            with Image.open(io.BytesIO(content)) as image:
                mode = image.mode
                rgb = np.array(image.convert("RGB"))
        except Exception as error:  # Pillow's own answer is part of the golden file
            notes[name] = f"refused: {type(error).__name__}"
            (out / "files" / name).write_bytes(content)
            continue
        (out / "files" / name).write_bytes(content)
        notes[name] = mode
        pixels[name] = torch.from_numpy(rgb.copy())
    save_file(pixels, out / "pixels.safetensors")
    (out / "modes.json").write_text(json.dumps(notes, indent=0, sort_keys=True) + "\n")
