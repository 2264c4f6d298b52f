"""CLIP's vocabulary, and what Transformers' CLIPTokenizer makes of captions and awkward strings with it.

vocab.json and merges.txt are built from the merges that the MIT-licensed package open_clip_torch carries (pip fetches it
where the two files are not there yet).
"""
import json
import pathlib
import random
import shutil
import tempfile

import numpy as np
from safetensors.numpy import save_file

from references._tiny import write_tiny_tokenizer
from references._tokenizer_files import END, PACKAGE, START, clip_merges, write_special_tokens, write_tokenizer

NOTICE = f"""vocab.json and merges.txt are the byte-pair vocabulary of OpenAI's CLIP: its first 48,894 merges, from
bpe_simple_vocab_16e6.txt.gz as the Python package {PACKAGE} carries it (tests/references/_tokenizer_files.py
builds the two files).

Source:  https://github.com/openai/CLIP and https://github.com/mlfoundations/open_clip
Licence: MIT
"""

OPENAI_LICENCE = """
MIT License

Copyright (c) 2021 OpenAI (CLIP)
Copyright (c) 2012-2021 (open_clip) Gabriel Ilharco, Mitchell Wortsman, Nicholas Carlini, Rohan Taori, Achal Dave, Vaishaal Shankar,
John Miller, Hongseok Namkoong, Hannaneh Hajishirzi, Ali Farhadi, Ludwig Schmidt

Permission is hereby granted, free of charge, to any person obtaining a copy of this software and associated
documentation files (the "Software"), to deal in the Software without restriction, including without limitation the
rights to use, copy, modify, merge, publish, distribute, sublicense, and/or sell copies of the Software, and to permit
persons to whom the Software is furnished to do so, subject to the following conditions:

The above copyright notice and this permission notice shall be included in all copies or substantial portions of the
Software.

THE SOFTWARE IS PROVIDED "AS IS", WITHOUT WARRANTY OF ANY KIND, EXPRESS OR IMPLIED, INCLUDING BUT NOT LIMITED TO THE
WARRANTIES OF MERCHANTABILITY, FITNESS FOR A PARTICULAR PURPOSE AND NONINFRINGEMENT. IN NO EVENT SHALL THE AUTHORS OR
COPYRIGHT HOLDERS BE LIABLE FOR ANY CLAIM, DAMAGES OR OTHER LIABILITY, WHETHER IN AN ACTION OF CONTRACT, TORT OR
OTHERWISE, ARISING FROM, OUT OF OR IN CONNECTION WITH THE SOFTWARE OR THE USE OR OTHER DEALINGS IN THE SOFTWARE.
"""

AWKWARD = [
    "", " ", "\t\n\r\v\f \u00a0\u3000\u2028", "wow!", "wow!!", "wow !!! ! wow", "!", "!a!b", " ".join(["word"] * 200),
    "supercalifragilisticexpialidocious" * 20, "a  photo\tof\na\r\ncat", "nul\0inside", "\x01\x02\x1f\x7f\x85\x9f",
    "it's they're I've I'm we'll he'd can't 'S 'LL '", "''s 'still 'reason 'd'd", "1234567890 3.14 1,000 ½ ² Ⅻ ٣ ५",
    "<|endoftext|>", "a <|endoftext|> b", "a<|endoftext|>b", "<|startoftext|>x<|startoftext|>", "<|ENDOFTEXT|>",
    "<|EndOfText|>!!", "<|StartOfText|>", "<|endoftext|><|endoftext|>", "!<|endoftext|>!", "<|endoftext", "|>", "<|",
    "é", "e\u0301", "Ångström A\u030angstro\u0308m", "ﬁ ﬀ ﷺ", "q\u0307\u0323 q\u0323\u0307", "a\u0301\u0301\u0328\u0328",
    "한국어 \u1112\u1161\u11ab", "中文字符，测试。", "日本語のテスト カタカナ ｶﾀｶﾅ", "العربية עברית हिन्दी ไทย",
    "😀 👩‍👩‍👧‍👦 🇩🇪 👍🏽 ❤️", "emoji😀inside😀word", "zero\u200bwidth\u200djoiner\u2060\ufeff", "&amp; &lt;b&gt; &#39; &eacute;",
    "İstanbul ISPARTA ı", "STRASSE straße ẞ", "ΟΔΟΣ ΣΊΣΥΦΟΣ Σ σς", "ǅ ǈ ǲ Ǆ", "ＦＵＬＬ　ＷＩＤＴＨ １２３", "𝔘𝔫𝔦𝔠𝔬𝔡𝔢 𝒳 𐐀𐐨 𞤀",
    "\U0010ffff \ue000 \ufffe \ufdd0", "\ufffd", "Ω \u2126 K \u212a Å \u212b", "\u0130\u0307", "ŉ ĸ Ŀ ß", "ᏣᎳᎩ Ꭰ ꭰ", "ა Ა",
    "\u1c89 \ua7cb \ua7dc \U00010d50 \U00016ea0 \U0002ebf0", "a\u08d3\u0301 a\u0323\u0301", "\U00011935\U00011930",
    "x" * 500, "ab" * 300, "-" * 300, "… — – “quotes” ‘single’ «guillemets»", "don’t it’s", "a_b-c/d\\e@f#g$h%i^j&k*l(m)n",
    "냐\u11a7 \u0344 \u0958 \u2adc \ufb1d", "\u1100\u1161\u11a8 \u1100\u1161 \uac00\u11a8", "ﬆ ſ ẛ̣", "Ç C\u0327 \u00c7", "ñ n\u0303",
    "\u180e\u2000\u2001\u200a\u202f\u205f", "end.", ".start", "a,b;c:d?e!f", "CamelCaseWords ALLCAPS", "a" * 76, "a b " * 40,
]
# Bytes that are not UTF-8; Python's reference text is decode(errors="replace").
BROKEN = [b"\xff", b"a\xc3", b"a\xc3(", b"\xe2\x82", b"\xe2\x82x", b"\xf0\x9f\x98", b"\xf0\x9f\x98 \xf0\x9f", b"\xc0\xaf",
          b"\xe0\x80\x80", b"\xed\xa0\x80", b"\xed\xb0\x80\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xf8\x88\x80\x80\x80",
          b"\x80\x80\xbf", b"caf\xe9 cr\xe8me", b"\xf0\x90\x80", b"\xe0\xa0", b"\xef\xbf\xbe\xff\xfe", b"\xc3\xa9\xc3"]


def random_strings(count=3000, seed=3):
    """Strings of characters from everywhere, so that the Unicode steps meet in every order."""
    rng = random.Random(seed)
    marks = [chr(c) for c in range(0x300, 0x370)] + list("\u0591\u05b0\u064b\u0651\u0670\u093c\u094d\u0e38\u0f71\u3099\u302a")
    marks += ["\u08d3", "\u1ac0", "\U00010f46", "\u0c3c", "\u1df6", "\U0001e130"]
    pools = [lambda: chr(rng.randrange(0x20, 0x7f)), lambda: chr(rng.randrange(0xa0, 0x250)), lambda: rng.choice(marks),
             lambda: chr(rng.randrange(0x370, 0x590)), lambda: rng.choice(" \t'!<|>"), lambda: chr(rng.randrange(0xac00, 0xd7a4)),
             lambda: chr(rng.randrange(0x1100, 0x1200)), lambda: rng.choice(["'s", "'LL", "<|endoftext|>", "İ", "Σ"]),
             lambda: chr(rng.choice([*range(0x590, 0xd800), *range(0xe000, 0x20000)]))]
    return ["".join(rng.choice(pools)() for _ in range(rng.randrange(1, 24))) for _ in range(count)]


def code_points():
    """Every code point in texts of one line each: two numbers and the character in three neighbourhoods."""
    points = [c for c in range(0x110000) if not 0xd800 <= c < 0xe000]
    return ["".join(f"A{chr(c)}A1{chr(c)}." for c in points[i:i + 512]) for i in range(0, len(points), 512)]


def captions(folder: pathlib.Path):
    lines = (folder.parent / "prompts" / "coco2014_captions.tsv").read_text(encoding="utf-8").splitlines()
    column = lines[0].split("\t").index("caption")
    return [line.split("\t")[column] for line in lines[1:]]


def ragged(rows):
    """Lists of ids (all below 65536, so that 16 bits do) as one array, and the length of each."""
    flat = np.array([i for row in rows for i in row], dtype=np.uint16).view(np.int16)
    return flat, np.array([len(row) for row in rows], dtype=np.int32)


def ids_of(tokenizer, texts):
    """As the diffusers pipelines call it, without the padding at the end."""
    padded = tokenizer(texts, padding="max_length", max_length=tokenizer.model_max_length, truncation=True).input_ids
    unpadded = tokenizer(texts, max_length=tokenizer.model_max_length, truncation=True).input_ids
    for full, short in zip(padded, unpadded):
        assert full == short + [tokenizer.pad_token_id] * (tokenizer.model_max_length - len(short))
    return unpadded


LEARNED = ["a <cat-toy> backpack", "A <CAT-TOY>S", "<cat-toy><cat-toy>", "x<cat-toy>y", "<cat-toy>_1 <cat-toy>", "a <Big Dog>",
           "a <big  dog>", "<cat-toy", "cat-toy>", "a dog and a <cat-toy>\tdog", "<|endoftext|><cat-toy>"]


def checksum(rows):
    """FNV-1a over ids, each row closed by −1; the same in tests/models/tokenizer/tokenizer_test.cpp."""
    value = 0xcbf29ce484222325
    for row in rows:
        for number in [*row, -1]:
            value = ((value ^ (number & 0xffffffff)) * 0x100000001b3) & 0xffffffffffffffff
    return value


def variants(folder: pathlib.Path):
    """Tiny tokenizers whose files resolve in other ways, and the ids of the awkward strings with each."""
    from transformers import CLIPTokenizer

    def token(content, normalized):
        return {"content": content, "lstrip": False, "normalized": normalized, "rstrip": False, "single_word": False,
                "special": True}

    def edit(path, **changes):
        path.write_text(json.dumps(json.loads(path.read_text()) | changes, indent=2) + "\n")

    makers = {}

    def variant(maker):
        makers[maker.__name__] = maker

    @variant
    def saved_by_transformers_5(target):
        with tempfile.TemporaryDirectory() as old:
            write_tiny_tokenizer(old, pad="!", model_max_length=32)
            CLIPTokenizer.from_pretrained(old).save_pretrained(target)

    @variant
    def added_tokens_decoder(target):  # as Transformers 4.34 and later wrote; the map disagrees and is not read
        write_tiny_tokenizer(target, pad="!", model_max_length=32)
        edit(target / "tokenizer_config.json", pad_token=END, added_tokens_decoder={
            "1": token('"', False), "541": token(START, True), "542": token(END, True)})

    @variant
    def no_special_files(target):
        write_tiny_tokenizer(target)
        (target / "special_tokens_map.json").unlink()
        (target / "tokenizer_config.json").write_text('{"model_max_length": 32}\n')

    @variant
    def bytes_missing(target):  # what the vocabulary lacks becomes the unknown token
        words = write_tiny_tokenizer(target, model_max_length=32)
        kept = {word: i for word, i in words.items() if not "\u00c0" <= word[0] <= "\u00e0"}
        (target / "vocab.json").write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")

    # Learned tokens (textual inversion): named in added_tokens.json, in added_tokens_decoder, or in tokenizer.json.
    @variant
    def learned_added_tokens_json(target):
        write_tiny_tokenizer(target, model_max_length=32)
        (target / "added_tokens.json").write_text(json.dumps({"<cat-toy>": 543, "<Big Dog>": 544}))

    @variant
    def learned_special_in_added_tokens_json(target):
        write_tiny_tokenizer(target, model_max_length=32)
        (target / "added_tokens.json").write_text(json.dumps({"<cat-toy>": 543}))
        edit(target / "special_tokens_map.json", mask_token="<cat-toy>")

    @variant
    def learned_ids_with_a_gap(target):  # Transformers counts on from the vocabulary
        write_tiny_tokenizer(target, model_max_length=32)
        (target / "added_tokens.json").write_text(json.dumps({"<Big Dog>": 700, "<cat-toy>": 600}))

    @variant
    def learned_saved_by_transformers_5(target):
        with tempfile.TemporaryDirectory() as old:
            write_tiny_tokenizer(old, model_max_length=32)
            tokenizer = CLIPTokenizer.from_pretrained(old)
            tokenizer.add_tokens(["<cat-toy>", "<cat-toy>_1", "<Big Dog>"])
            tokenizer.save_pretrained(target)

    @variant
    def learned_added_tokens_decoder(target):  # as Transformers 4.34 and later wrote
        write_tiny_tokenizer(target, model_max_length=32)
        edit(target / "tokenizer_config.json", added_tokens_decoder={
            "541": token(START, False), "542": token(END, False), "543": token("<cat-toy>", True) | {"special": False}})
        (target / "added_tokens.json").write_text(json.dumps({"<Big Dog>": 543}))  # not read

    @variant
    def learned_additional_special_tokens(target):
        write_tiny_tokenizer(target, model_max_length=32)
        edit(target / "special_tokens_map.json", additional_special_tokens=["<cat-toy>", "dog"])

    @variant
    def learned_extra_special_tokens(target):
        write_tiny_tokenizer(target, model_max_length=32)
        edit(target / "tokenizer_config.json", extra_special_tokens=["<cat-toy>"])

    @variant
    def learned_in_the_vocabulary(target):
        words = write_tiny_tokenizer(target, model_max_length=32)
        (target / "vocab.json").write_text(json.dumps(words | {"<cat-toy>": 543}, ensure_ascii=False), encoding="utf-8")
        (target / "added_tokens.json").write_text(json.dumps({"<cat-toy>": 543}))

    arrays = {}
    for name, maker in makers.items():
        target = folder / "variants" / name
        shutil.rmtree(target, ignore_errors=True)
        target.mkdir(parents=True)
        maker(target)
        tokenizer = CLIPTokenizer.from_pretrained(target)
        arrays[f"{name}.ids"], arrays[f"{name}.lengths"] = ragged(ids_of(tokenizer, AWKWARD + LEARNED))
    save_file(arrays, folder / "variants.safetensors")


def make(folder: pathlib.Path):
    from transformers import CLIPTokenizer

    if not (folder / "vocab.json").exists():
        with tempfile.TemporaryDirectory() as fresh:
            write_tokenizer(pathlib.Path(fresh), clip_merges())
            for name in ("vocab.json", "merges.txt"):
                (folder / name).write_bytes((pathlib.Path(fresh) / name).read_bytes())
    (folder / "NOTICE").write_text(NOTICE + OPENAI_LICENCE)
    texts = {"captions": captions(folder), "awkward": AWKWARD, "random": random_strings(),
             "broken": [b.decode("utf-8", errors="replace") for b in BROKEN]}
    (folder / "texts.json").write_text(json.dumps(
        {"awkward": [t.encode().hex() for t in AWKWARD], "broken": [b.hex() for b in BROKEN],
         "learned": [t.encode().hex() for t in LEARNED]}, indent=0) + "\n")
    arrays, notes = {}, {}
    random_bytes = [np.frombuffer(t.encode(), dtype=np.uint8) for t in texts["random"]]
    arrays["random.text"] = np.concatenate(random_bytes)
    arrays["random.text_lengths"] = np.array([len(b) for b in random_bytes], dtype=np.int32)
    for style, pad in (("sd15", "<|endoftext|>"), ("sd21", "!")):
        target = folder / style
        target.mkdir(exist_ok=True)
        write_special_tokens(target, pad)
        for name in ("vocab.json", "merges.txt"):
            (target / name).unlink(missing_ok=True)
            (target / name).symlink_to(pathlib.Path("..") / name)
        tokenizer = CLIPTokenizer.from_pretrained(target)
        for name, strings in texts.items():
            arrays[f"{style}.{name}.ids"], arrays[f"{style}.{name}.lengths"] = ragged(ids_of(tokenizer, strings))
        tokenizer.model_max_length = 65536
        every = [tokenizer(text).input_ids for text in code_points()]
        arrays[f"{style}.code_points"] = np.array([checksum([row]) for row in every], dtype=np.uint64).view(np.int64)
    save_file(arrays, folder / "ids.safetensors")
    variants(folder)
