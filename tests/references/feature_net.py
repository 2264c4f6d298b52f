"""The feature network of fd-pocket in plain PyTorch; tests/towers/feature_net_test.cpp compares ours with it."""
import json
import pathlib

import torch
from references.towers import randomise
from safetensors.torch import save_file
from torch import nn


class FeatureNet(nn.Module):
    def __init__(self, image_size, channels, strides, norm_num_groups, features, heads):
        super().__init__()
        self.convs = nn.ModuleList(
            nn.Conv2d(i, o, 3, stride, padding=1) for i, o, stride in zip([3, *channels[:-1]], channels, strides))
        self.norms = nn.ModuleList(nn.GroupNorm(norm_num_groups, c) for c in channels)
        with torch.inference_mode():
            flat = self.trunk(torch.zeros(1, 3, image_size, image_size)).shape[1]
        self.fc = nn.Linear(flat, features)
        self.heads = nn.ModuleDict({name: nn.Linear(features, size) for name, size in heads.items()})

    def trunk(self, x):
        for conv, norm in zip(self.convs, self.norms):
            x = nn.functional.silu(norm(conv(x)))
        return x.flatten(1)

    def forward(self, x):
        features = self.fc(self.trunk(x))
        return features, {name: head(nn.functional.silu(features)) for name, head in self.heads.items()}


CASES = {
    "five_layers": (dict(image_size=32, channels=[8, 8, 16, 16, 24], strides=[1, 2, 2, 2, 1], norm_num_groups=4, features=6,
                         heads=dict(background=5, count=1, objects=7)), torch.float32),
    # A size that does not halve evenly, a stride of 3, no heads; stored in float16.
    "odd_size": (dict(image_size=21, channels=[6, 9], strides=[2, 3], norm_num_groups=3, features=4, heads={}), torch.float16),
}


def make(folder: pathlib.Path):
    for seed, (name, (config, dtype)) in enumerate(CASES.items()):
        case = folder / name
        case.mkdir(exist_ok=True)
        net = randomise(FeatureNet(**config), 31 + seed).to(dtype)
        save_file(net.state_dict(), case / "model.safetensors")
        (case / "config.json").write_text(json.dumps({"_class_name": "FewstepFeatureNet", **config}, indent=2) + "\n")
        size = config["image_size"]
        images = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1
        features, logits = net.float()(images)
        expected = {"images": images, "features": features, **{f"heads.{n}": t for n, t in logits.items()}}
        loss = sum((t.square().mean() for t in logits.values()), features.square().mean())
        loss.backward()
        expected |= {f"gradients.{n}": p.grad for n, p in net.named_parameters()}
        save_file({n: t.detach().contiguous() for n, t in expected.items()}, case / "expected.safetensors")
