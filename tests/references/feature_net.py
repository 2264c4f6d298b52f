"""The feature network of fd-pocket in plain PyTorch, and Fréchet distances in its features: tests/models/feature_net_test.cpp
and tests/metrics/fd_pocket_test.cpp compare ours with them."""
import json
import pathlib

import numpy
import torch
from references import _hashed_images as made
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


def rows(net, which, block):
    images = numpy.stack([made.image(f"pocket {which} {i}", 32, 32, block + i % 3) for i in range(24)])
    with torch.inference_mode():
        return net(torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255 * 2 - 1)[0].double().numpy()


def distance(net):
    from pytorch_fid.fid_score import calculate_frechet_distance
    moments = [(r.mean(0), numpy.cov(r, rowvar=False)) for r in (rows(net, "images", 6), rows(net, "reference", 9))]
    return float(calculate_frechet_distance(*moments[0], *moments[1]))


def make(folder: pathlib.Path):
    for seed, (name, (config, dtype)) in enumerate(CASES.items()):
        case = folder / name
        case.mkdir(exist_ok=True)
        net = randomise(FeatureNet(**config), 31 + seed).to(dtype)
        save_file(net.state_dict(), case / "model.safetensors")
        (case / "config.json").write_text(json.dumps({"_class_name": "FewstepFeatureNet", **config}, indent=2) + "\n")
        if name == "five_layers":
            (folder / "fd.json").write_text(json.dumps({"five_layers": distance(net)}) + "\n")
        size = config["image_size"]
        images = torch.rand(3, 3, size, size, generator=torch.Generator().manual_seed(seed)) * 2 - 1
        features, logits = net.float()(images)
        expected = {"images": images, "features": features, **{f"heads.{n}": t for n, t in logits.items()}}
        loss = sum((t.square().mean() for t in logits.values()), features.square().mean())
        loss.backward()
        expected |= {f"gradients.{n}": p.grad for n, p in net.named_parameters()}
        save_file({n: t.detach().contiguous() for n, t in expected.items()}, case / "expected.safetensors")
