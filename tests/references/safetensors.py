"""Files written by the safetensors package itself: tests/model_files reads them and writes the same bytes."""
import pathlib

import torch


def tensors():
    g = torch.Generator().manual_seed(1)
    return {
        "f64": torch.randn(2, 3, generator=g, dtype=torch.float64),
        "f32": torch.randn(3, 2, generator=g),
        "f16": torch.randn(5, generator=g).half(),
        "bf16": torch.randn(1, 7, generator=g).bfloat16(),
        "i64": torch.tensor([-(2**62), 3]),
        "i32": torch.tensor([[1, -2], [3, -4]], dtype=torch.int32),
        "i16": torch.tensor([-300, 300], dtype=torch.int16),
        "i8": torch.tensor([-7, 7, 0], dtype=torch.int8),
        "u8": torch.tensor([255, 0, 1], dtype=torch.uint8),
        "bool": torch.tensor([True, False, True]),
        "scalar": torch.tensor(1.5),
        "empty": torch.zeros(0, 4),
        "ünï \"quoted\"": torch.arange(4.0),
    }


def make(folder: pathlib.Path):
    from safetensors.torch import save_file

    save_file(tensors(), folder / "all_dtypes.safetensors", metadata={"format": "pt"})
    save_file({"only": torch.ones(1)}, folder / "no_metadata.safetensors")
