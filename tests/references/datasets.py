"""Caption files written by pyarrow, csv and json, and images written and decoded by Pillow: tests/datasets reads them."""
import csv
import json
import pathlib
import struct
import zlib

CAPTIONS = [
    "A city at night with people walking around.",
    'A sign that says "Cheese Shop", in red',
    "naïve café, Zürich — 東京 🗼",
    "",
    "semicolons; commas, and 'quotes'",
    '"quoted from end to end"',
    "  spaces around  ",
    "a < b && c > d &amp; e",
    "5\" pipe and 3' board",
    "last one",
]
TEXTS = CAPTIONS + ["two\nlines", None, " \t ", "tab\there", "carriage\r\nreturn"]


def write_five_formats(folder: pathlib.Path):
    """The same captions, row by row, in every format."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    ids = list(range(100, 100 + len(CAPTIONS)))
    pq.write_table(pa.table({"id": ids, "caption": CAPTIONS}), folder / "same.parquet")
    with open(folder / "same.csv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file)  # CRLF
        writer.writerow(["id", "caption"])
        writer.writerows(zip(ids, CAPTIONS))
    with open(folder / "same.tsv", "w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, delimiter="\t", lineterminator="\n")
        writer.writerow(["id", "caption"])
        writer.writerows(zip(ids, CAPTIONS))
    lines = [json.dumps({"id": i, "caption": c}, ensure_ascii=i % 2 == 0) for i, c in zip(ids, CAPTIONS)]
    (folder / "same.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")
    (folder / "same.txt").write_text("\n".join(CAPTIONS), encoding="utf-8")


MEANT = ["a red boat, black; blue", 'he said "no"', "two\nlines; and more", "tab\there", '"open', "naïve 東京", "plain", "ends with, "]


def write_tables(folder: pathlib.Path):
    """The captions MEANT as people's programs write them; every file holds the same."""
    import pandas as pd

    frame = pd.DataFrame({"file_name": [f"{i:02}.png" for i in range(len(MEANT))], "caption": MEANT,
                          "score": [None if i % 3 == 0 else i / 2 for i in range(len(MEANT))]})
    utf8 = dict(encoding="utf-8", lineterminator="\n")
    frame.to_csv(folder / "pandas.csv", index=False, **utf8)
    frame.to_csv(folder / "pandas_index.csv", **utf8)
    frame.to_csv(folder / "pandas.tsv", sep="\t", index=False, **utf8)
    frame.to_csv(folder / "pandas_tabs.csv", sep="\t", index=False, **utf8)
    frame.to_csv(folder / "pandas_semicolons.csv", sep=";", decimal=",", index=False, **utf8)
    frame.to_csv(folder / "pandas_all_quoted.tsv", sep="\t", index=False, quoting=csv.QUOTE_ALL, **utf8)
    frame[["caption"]].to_csv(folder / "pandas_one_column.csv", index=False, **utf8)
    frame[["caption"]].to_csv(folder / "pandas_no_header.csv", index=False, header=False, **utf8)
    frame[["caption"]].to_csv(folder / "pandas_one_column.tsv", sep="\t", index=False, **utf8)
    frame.to_json(folder / "pandas.jsonl", orient="records", lines=True, force_ascii=True)
    frame.to_parquet(folder / "pandas.parquet")
    rows = [list(row) for row in frame[["file_name", "caption"]].itertuples(index=False)]

    def table(name, bom, **options):
        with open(folder / name, "w", newline="", encoding="utf-8-sig" if bom else "utf-8") as file:
            writer = csv.writer(file, **options)
            if name.startswith("excel_sep"):
                file.write("sep=;\r\n")
            writer.writerow(["file_name", "caption"])
            writer.writerows(rows)

    # As Excel saves "CSV UTF-8", in the English and in the German locale, and LibreOffice with its default and "quote all text".
    table("excel.csv", True, dialect="excel")
    table("excel_semicolons.csv", True, delimiter=";", lineterminator="\r\n")
    table("excel_sep.csv", True, delimiter=";", lineterminator="\r\n")
    table("excel_tab.tsv", True, dialect="excel-tab")
    table("libreoffice.csv", False, lineterminator="\n")
    table("libreoffice_quoted.csv", False, lineterminator="\n", quoting=csv.QUOTE_ALL)
    table("unix.csv", False, dialect="unix")
    # As the library datasets has it beside the images, and img2dataset in its shards' metadata.
    (folder / "metadata.jsonl").write_text("".join(
        json.dumps({"file_name": name, "text": text, "width": float("nan")}) + "\n" for name, text in rows), encoding="utf-8")
    pd.DataFrame({"url": [f"http://example.org/{i}" for i in range(len(MEANT))], "caption": MEANT, "key": [f"{i:09}" for i in range(len(MEANT))],
                  "status": "success", "error_message": [None] * len(MEANT), "width": 512}).to_parquet(folder / "img2dataset.parquet")
    (folder / "meant.json").write_text(json.dumps(MEANT, indent=0) + "\n")


def laion_table():
    """The columns of LAION-Aesthetics metadata; row i holds TEXTS[i % len(TEXTS)] and its own number."""
    import pyarrow as pa

    n = 60
    texts = [None if (t := TEXTS[i % len(TEXTS)]) is None else t and f"{t} {i}" for i in range(n)]
    texts = [t if TEXTS[i % len(TEXTS)] != " \t " else " \t " for i, t in enumerate(texts)]
    return pa.table(
        {
            "URL": [f"https://example.org/{i}.jpg" for i in range(n)],
            "TEXT": texts,
            "WIDTH": pa.array([512 + i for i in range(n)], pa.int64()),
            "HEIGHT": pa.array([None if i % 11 == 5 else 384 + 7 * (i % 13) for i in range(n)], pa.int64()),
            "similarity": pa.array([0.25 + i / 1000 for i in range(n)], pa.float64()),
            "punsafe": pa.array([(i % 10) / 10 for i in range(n)], pa.float32()),
            "pwatermark": pa.array([(i % 7) / 7 for i in range(n)], pa.float16()),
            "AESTHETIC_SCORE": pa.array([None if i % 9 == 4 else 4.5 + i % 5 / 2 for i in range(n)], pa.float64()),
            "hash": pa.array([i * 2654435761 % 2**64 for i in range(n)], pa.uint64()),
        }
    )


def expected(table, passes=lambda row: True):
    rows = [(i, row) for i, row in enumerate(table.to_pylist()) if passes(row)]
    used = [[i, row["TEXT"]] for i, row in rows if row["TEXT"] and row["TEXT"].strip()]
    return {"prompts": used, "filtered": table.num_rows - len(rows), "empty": len(rows) - len(used)}


def write_laion(folder: pathlib.Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    def retyped(kind):
        return table.set_column(1, "TEXT", table["TEXT"].cast(kind))

    table = laion_table()
    pq.write_table(table, folder / "laion.parquet", compression="snappy", row_group_size=7)
    pq.write_table(table, folder / "zstd.parquet", compression="zstd", data_page_version="2.0", row_group_size=25)
    pq.write_table(table, folder / "gzip.parquet", compression="gzip", use_dictionary=False)
    pq.write_table(table, folder / "checksums.parquet", compression="none", write_page_checksum=True)
    pq.write_table(retyped(pa.large_string()), folder / "large_string.parquet", row_group_size=16)
    pq.write_table(retyped(pa.string_view()), folder / "string_view.parquet", row_group_size=16)
    pq.write_table(retyped(pa.binary()), folder / "binary.parquet", row_group_size=16)
    dictionary = table.set_column(1, "TEXT", table["TEXT"].dictionary_encode())
    pq.write_table(dictionary, folder / "dictionary.parquet", row_group_size=16)

    def scored(row):
        return row["AESTHETIC_SCORE"] is not None and row["AESTHETIC_SCORE"] >= 6.0

    def sized(row):
        return scored(row) and row["HEIGHT"] is not None and 390 <= row["HEIGHT"] <= 450 and row["pwatermark"] <= 0.5

    answers = {"all": expected(table), "scored": expected(table, scored), "sized": expected(table, sized)}
    (folder / "laion.json").write_text(json.dumps(answers, indent=1) + "\n")


def write_odd_parquet(folder: pathlib.Path):
    import pyarrow as pa
    import pyarrow.parquet as pq

    pq.write_table(pa.table({"text": pa.array([b"fine", b"caf\xe9"], pa.binary())}), folder / "latin1.parquet")
    names = ["int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64"]
    columns = {name: pa.array([1, 100, None], getattr(pa, name)()) for name in names}
    pq.write_table(pa.table({"text": ["one", "hundred", "null"], **columns}), folder / "numbers.parquet")
    nested = {"meta": [{"caption": "inner"}], "tags": [["a", "b"]], "flag": [True], "words": ["outer"]}
    pq.write_table(pa.table(nested), folder / "nested.parquet")


def png(width, height, depth, kind, rows, chunks=()):
    """A PNG that Pillow cannot write: rows are the raw bytes of each line."""

    def chunk(name, data):
        return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))

    header = struct.pack(">IIBBBBB", width, height, depth, kind, 0, 0, 0)
    body = zlib.compress(b"".join(b"\0" + row for row in rows))
    parts = [chunk(b"IHDR", header), *(chunk(*c) for c in chunks), chunk(b"IDAT", body), chunk(b"IEND", b"")]
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts)


def pictures():
    """A smooth picture with a hard edge and noise, 37 × 29."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(5)
    y, x = np.mgrid[0:29, 0:37]
    rgb = np.stack([x * 6, y * 8, 255 - x * 3 - y * 3], -1).clip(0, 255)
    rgb[10:20, 5:15] = [250, 20, 30]
    rgb = (rgb + rng.integers(-8, 9, rgb.shape)).clip(0, 255).astype(np.uint8)
    alpha = rng.integers(0, 256, (29, 37), dtype=np.uint8)
    return Image.fromarray(rgb), Image.fromarray(alpha)


def write_images(folder: pathlib.Path):
    import numpy as np
    from PIL import Image

    rgb, alpha = pictures()
    grey = rgb.convert("L")
    rgba = rgb.copy()
    rgba.putalpha(alpha)
    grey_alpha = grey.copy()
    grey_alpha.putalpha(alpha)
    palette = rgb.quantize(31)
    rgb.save(folder / "rgb.png")
    grey.save(folder / "grey.png")
    rgba.save(folder / "rgba.png")
    grey_alpha.save(folder / "grey_alpha.png")
    palette.save(folder / "palette.png")
    palette.save(folder / "palette_transparent.png", transparency=bytes(range(0, 248, 8)))
    rgb.save(folder / "transparent_colour.png", transparency=(250, 20, 30))
    rgb.convert("1").save(folder / "one_bit.png")
    rgb.quantize(4).save(folder / "two_bit_palette.png", bits=2)
    noise = np.random.default_rng(6).integers(0, 65536, (9, 11, 3), dtype=np.uint16)
    (folder / "rgb16.png").write_bytes(png(11, 9, 16, 2, [row.astype(">u2").tobytes() for row in noise]))
    (folder / "grey16.png").write_bytes(png(11, 9, 16, 0, [row[:, 0].astype(">u2").tobytes() for row in noise]))
    gamma = [(b"gAMA", struct.pack(">I", 100000))]
    (folder / "gamma.png").write_bytes(
        png(37, 29, 8, 2, [row.tobytes() for row in np.asarray(rgb)], gamma)
    )
    rgb.save(folder / "444.jpg", quality=90, subsampling=0)
    rgb.save(folder / "420.jpg", quality=75, subsampling=2)
    rgb.save(folder / "422.jpg", quality=85, subsampling=1)
    rgb.save(folder / "progressive.jpg", quality=80, progressive=True)
    rgb.save(folder / "restarts.jpeg", quality=80, restart_marker_blocks=2)
    grey.save(folder / "grey.jpg", quality=80)
    rgb.convert("CMYK").save(folder / "cmyk.jpg", quality=90)
    exif = Image.Exif()
    exif[0x0112] = 6  # turned by 90 degrees: not applied
    rgb.save(folder / "turned.jpg", quality=80, exif=exif)
    rgb.save(folder / "rgb.bmp")
    palette.save(folder / "palette.bmp")
    grey.save(folder / "grey.bmp")
    rgb.save(folder / "lossy.webp", quality=80)
    rgb.save(folder / "lossless.webp", lossless=True)
    rgba.save(folder / "rgba.webp", lossless=True, exact=True)
    rgb.save(folder / "plain.tif")
    rgb.save(folder / "lzw.tiff", compression="tiff_lzw")
    grey.save(folder / "grey.tif", compression="tiff_deflate")
    for file in sorted(folder.iterdir()):
        if file.suffix != ".ppm":
            with Image.open(file) as image:
                image.convert("RGB").save(folder / (file.name + ".ppm"))


def make(folder: pathlib.Path):
    captions, images = folder / "captions", folder / "images"
    captions.mkdir(exist_ok=True)
    images.mkdir(exist_ok=True)
    write_five_formats(captions)
    tables = folder / "tables"
    tables.mkdir(exist_ok=True)
    write_tables(tables)
    write_laion(captions)
    write_odd_parquet(captions)
    write_images(images)
