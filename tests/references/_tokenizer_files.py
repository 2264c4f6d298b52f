"""Tokenizer folders in CLIP's own file format, with the special-token files of SD 1.5 and SD 2.1."""
import gzip
import json
import pathlib
import subprocess
import sys
import tempfile
import zipfile

START, END = "<|startoftext|>", "<|endoftext|>"
MERGES = 49152 - 256 - 2  # of the 262,144 in OpenAI's file
PACKAGE = "open_clip_torch==3.3.0"


def byte_characters():
    """The 256 characters that stand for bytes in byte-level BPE, in the order of CLIP's vocabulary."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    others = [b for b in range(256) if b not in printable]
    return [chr(b) for b in printable] + [chr(256 + i) for i in range(len(others))]


def vocabulary(merges):
    symbols = byte_characters()
    words = symbols + [s + "</w>" for s in symbols] + ["".join(pair) for pair in merges] + [START, END]
    assert len(set(words)) == len(words)
    return {word: i for i, word in enumerate(words)}


def write_tokenizer(folder: pathlib.Path, merges, pad=END, model_max_length=77):
    """Writes vocab.json, merges.txt and the special-token files; pad="!" gives those of SD 2.1. Returns the vocabulary."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    words = vocabulary(merges)
    (folder / "vocab.json").write_text(json.dumps(words, ensure_ascii=False, separators=(",", ":")), encoding="utf-8")
    lines = ["#version: 0.2", *(" ".join(pair) for pair in merges)]
    (folder / "merges.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    write_special_tokens(folder, pad, model_max_length)
    return words


def write_special_tokens(folder: pathlib.Path, pad=END, model_max_length=77):
    """SD 1.5 and SD 2.1 differ in one place: the latter's special_tokens_map.json pads with "!"."""
    def added(content):
        return {"content": content, "lstrip": False, "normalized": True, "rstrip": False, "single_word": False}

    typed = {name: {"__type": "AddedToken", **added(content)}
             for name, content in (("bos_token", START), ("eos_token", END), ("unk_token", END))}
    config = {"add_prefix_space": False, "bos_token": typed["bos_token"], "do_lower_case": True,
              "eos_token": typed["eos_token"], "errors": "replace", "model_max_length": model_max_length,
              "pad_token": END, "tokenizer_class": "CLIPTokenizer", "unk_token": typed["unk_token"]}
    special = {"bos_token": added(START), "eos_token": added(END), "pad_token": pad, "unk_token": added(END)}
    for name, content in (("tokenizer_config.json", config), ("special_tokens_map.json", special)):
        (folder / name).write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def clip_merges():
    """The merges of OpenAI's CLIP, from the file that open_clip_torch carries; fetched by pip where it is not there."""
    with tempfile.TemporaryDirectory() as folder:
        subprocess.run([sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--disable-pip-version-check",
                        PACKAGE, "-d", folder], check=True)
        wheel = next(pathlib.Path(folder).glob("*.whl"))
        with zipfile.ZipFile(wheel) as archive:
            text = gzip.decompress(archive.read("open_clip/bpe_simple_vocab_16e6.txt.gz")).decode("utf-8")
    return [tuple(line.split()) for line in text.split("\n")[1:1 + MERGES]]
