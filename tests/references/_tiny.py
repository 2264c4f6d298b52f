"""Tiny stand-ins for the parts of a checkpoint."""
from references._tokenizer_files import write_tokenizer


def tiny_merges():
    """A few whole words, each by a chain of merges from its first letter."""
    merges = []
    for word in "a red blue green circle square and on the of above".split():
        symbols = [*word[:-1], word[-1] + "</w>"]
        left = symbols[0]
        for right in symbols[1:]:
            if (left, right) not in merges:
                merges.append((left, right))
            left += right
    return merges


def write_tiny_tokenizer(folder, pad="<|endoftext|>", model_max_length=77):
    """A CLIP-format tokenizer of some 550 entries (pad="!" for SD 2.1's special-token files). Returns {token: id}."""
    return write_tokenizer(folder, tiny_merges(), pad, model_max_length)
