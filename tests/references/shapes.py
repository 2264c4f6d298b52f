"""The built-in scenes as docs/shapes.md describes them, written a second time in Python, and their tokenizer.

Golden: captions and SHA-256 of the pixels of the first scenes; a tokenizer folder in CLIP's format with one token for each
word; what Transformers' CLIPTokenizer makes of captions and awkward strings with it.
"""
import hashlib
import json
import math
import pathlib
import random

from references._tokenizer_files import write_tokenizer
from references.tokenizer import AWKWARD

SHAPES = ["circle", "square", "triangle", "cross", "ring"]
COLOURS = {"red": (.86, .16, .16), "green": (.18, .66, .25), "blue": (.18, .33, .86), "yellow": (.95, .85, .20),
           "purple": (.70, .28, .78), "orange": (.96, .55, .14), "white": (.95, .95, .95), "black": (.08, .08, .10)}
RELATIONS = ["left of", "right of", "above", "below"]
SEEDS = {"train": 1, "validation": 2, "test": 3}
MASK = 2**64 - 1


def mix(z):
    z = ((z ^ z >> 30) * 0xbf58476d1ce4e5b9) & MASK
    z = ((z ^ z >> 27) * 0x94d049bb133111eb) & MASK
    return z ^ z >> 31


class Random:
    def __init__(self, seed, index):
        self.state = mix((mix(seed) + index) & MASK)

    def next(self):
        self.state = (self.state + 0x9e3779b97f4a7c15) & MASK
        return mix(self.state)

    def uniform(self, low, high):
        return low + (high - low) * ((self.next() >> 11) * 2.0**-53)

    def below(self, count):
        return (self.next() >> 32) * count >> 32


def light(rng):
    return {"brightness": rng.uniform(.85, 1), "offset": [rng.uniform(-.04, .04) for _ in range(3)],
            "slope": [rng.uniform(-.18, .18) for _ in range(2)]}


def one_object(rng, colour, alone):
    drawn = {"shape": SHAPES[rng.below(5)], "colour": colour, "large": rng.below(2) == 1, "says_size": rng.below(3) > 0}
    bounds = ((.28, .35) if alone else (.205, .23)) if drawn["large"] else ((.17, .21) if alone else (.145, .165))
    drawn["radius"] = rng.uniform(*bounds)
    drawn["tilt"] = rng.uniform(-.176, .176)
    drawn["light"] = light(rng)
    return drawn


def scene(seed, index):
    rng = Random(seed, index)
    colours = list(COLOURS)
    for i in range(3):
        j = i + rng.below(8 - i)
        colours[i], colours[j] = colours[j], colours[i]
    made = {"background": colours[0], "light": light(rng), "relation": None}
    if rng.below(2) == 0:
        alone = one_object(rng, colours[1], True)
        edge = .02 + alone["radius"]
        alone["x"] = rng.uniform(edge, 1 - edge)
        alone["y"] = rng.uniform(edge, 1 - edge)
        made["objects"] = [alone]
        return made
    made["objects"] = [one_object(rng, colours[1], False), one_object(rng, colours[2], False)]
    made["relation"] = RELATIONS[rng.below(4)]
    along, across = ("x", "y") if made["relation"] in ("left of", "right of") else ("y", "x")
    first, last = made["objects"] if made["relation"] in ("left of", "above") else made["objects"][::-1]
    room = 1 - 2 * (.02 + first["radius"] + last["radius"]) - .035
    first[along] = .02 + first["radius"] + room * rng.uniform(0, .35)
    last[along] = 1 - .02 - last["radius"] - room * rng.uniform(0, .35)
    first[across] = rng.uniform(.5 - .13, .5 + .13)
    last[across] = rng.uniform(.5 - .13, .5 + .13)
    return made


def caption(made, style):
    def article(words):
        return ("an " if words[0] in "aeiou" else "a ") + words

    def phrase(drawn):
        words = []
        if drawn["says_size"] and not (style == "outline" and made["relation"]):
            words.append("large" if drawn["large"] else "small")
        if style == "outline":
            words.append("outlined")
        return article(" ".join([*words, drawn["colour"], drawn["shape"]]))

    between = f" {made['relation']} " if made["relation"] else ""
    return between.join(map(phrase, made["objects"])) + " on " + article(made["background"] + " background")


def distance(shape, x, y, r, style):
    """Signed distance in object coordinates."""
    outline = style == "outline"
    width = .025 + .11 * r

    def line(d):
        return max(d, -d - width) if outline else d

    p = math.sqrt(x * x + y * y)
    if shape == "circle":
        return line(p - r)
    if shape == "square":
        return line(max(abs(x), abs(y)) - .78 * r)
    if shape == "triangle":
        k = 0.8660254037844386
        return line(max(y, k * x - .5 * y, -k * x - .5 * y) - .5 * r)
    if shape == "cross":
        a, b = (.90 * r, .40 * r) if outline else (.93 * r, .32 * r)
        return line(min(max(abs(x) - a, abs(y) - b), max(abs(x) - b, abs(y) - a)))
    return min(line(p - r), line(p - .45 * r)) if outline else max(p - r, .5 * r - p)


def lit(colour, shine, x, y):
    shade = 1 + shine["slope"][0] * (x - .5) + shine["slope"][1] * (y - .5)
    return [min(max((c * shine["brightness"] + o) * shade, 0.0), 1.0) for c, o in zip(COLOURS[colour], shine["offset"])]


def pixels(made, style, size):
    out = bytearray()
    for row in range(size):
        for column in range(size):
            x, y = (column + .5) / size, (row + .5) / size
            pixel = lit(made["background"], made["light"], x, y)
            for drawn in made["objects"]:
                t = drawn["tilt"]
                cosine, sine = (1 - t * t) / (1 + t * t), 2 * t / (1 + t * t)
                dx, dy = x - drawn["x"], y - drawn["y"]
                d = distance(drawn["shape"], cosine * dx + sine * dy, cosine * dy - sine * dx, drawn["radius"], style)
                share = min(max(.5 - d * size, 0.0), 1.0)
                colour = lit(drawn["colour"], drawn["light"], x, y)
                pixel = [p + share * (c - p) for p, c in zip(pixel, colour)]
            out += bytes(int(p * 255 + .5) for p in pixel)
    return bytes(out)


def words():
    return sorted({"a", "an", "small", "large", "outlined", "on", "background", *COLOURS, *SHAPES,
                   *" ".join(RELATIONS).split()})


def word_merges():
    """Of each word what the merges so far leave, joined from the left."""
    merges = []
    for word in words():
        parts = [*word[:-1], word[-1] + "</w>"]
        while len(parts) > 1:
            pairs = list(zip(parts, parts[1:]))
            pair = min((p for p in pairs if p in merges), key=merges.index, default=None)
            if pair is None:
                pair = pairs[0]
                merges.append(pair)
            at = pairs.index(pair)
            parts[at:at + 2] = ["".join(pair)]
    return merges


def make(folder: pathlib.Path):
    from transformers import CLIPTokenizer

    scenes = []
    for split, seed in SEEDS.items():
        for index in [*range(24), 100_000, 2**40 + 7]:
            for style in ("filled", "outline"):
                made = scene(seed, index)
                sizes = (16, 32, 33, 64) if index < 2 else (32,)
                scenes.append({"split": split, "index": index, "style": style, "caption": caption(made, style),
                               "sha256": {str(s): hashlib.sha256(pixels(made, style, s)).hexdigest() for s in sizes}})
    (folder / "scenes.json").write_text(json.dumps(scenes, indent=0) + "\n")
    write_tokenizer(folder / "tokenizer", word_merges(), model_max_length=16)
    tokenizer = CLIPTokenizer.from_pretrained(folder / "tokenizer")
    rng = random.Random(1)
    texts = [caption(scene(4, i), rng.choice(["filled", "outline"])) for i in range(200)]
    texts += AWKWARD + ["A Red  SQUARE, on a blue background!", "redsquare", "backgrounds", "small,large", "circles crossing"]
    ids = [{"hex": text.encode().hex(), "ids": tokenizer(text).input_ids} for text in texts]
    padded = tokenizer(texts, padding="max_length", truncation=True).input_ids
    (folder / "ids.json").write_text(json.dumps({
        "words": {word: tokenizer(word).input_ids[1:-1] for word in words()},
        "texts": [i | {"padded": p} for i, p in zip(ids, padded)]}, indent=None) + "\n")
