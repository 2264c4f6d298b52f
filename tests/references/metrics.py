"""Metrics by the tools whose numbers papers quote: Pillow, pytorch-fid, torch-fidelity, torchmetrics, clean-fid, Transformers.

Images and features come from a formula (_hashed_images.py) that tests/metrics repeats, so that only results are kept.
"""
import hashlib
import json
import pathlib
import shutil
import warnings
from unittest import mock

import numpy
import torch
from PIL import Image
from safetensors.torch import save_file

from references import _hashed_images as made
from references import _hashed_weights as hashed
from references._tiny import write_tiny_tokenizer
from references.towers import inception, randomise

FILTERS = {"bilinear": Image.BILINEAR, "bicubic": Image.BICUBIC, "lanczos": Image.LANCZOS}
TINY = dict(image_size=32, patch_size=8)
PROTOCOLS = ("pytorch-fid", "torch-fidelity", "torchmetrics", "clean-fid")


def write_json(path, value):
    path.write_text(json.dumps(value, indent=1) + "\n")


def sha256(array):
    return hashlib.sha256(numpy.ascontiguousarray(array).tobytes()).hexdigest()


def resize_cases():
    rng = numpy.random.default_rng(11)
    sizes = [tuple(int(v) for v in rng.integers(1, 90, 4)) for _ in range(40)]
    sizes += [(1, 1, 7, 5), (5, 7, 1, 1), (64, 48, 64, 31), (64, 48, 31, 48), (33, 33, 33, 33), (3, 200, 200, 3)]
    sizes += [(512, 512, 224, 224), (300, 451, 224, 336), (97, 131, 299, 299), (600, 900, 57, 61)]
    return [(size, name) for size in sizes for name in FILTERS]


def resizes(folder):
    """Expected bytes as SHA-256, and of one small case in full."""
    cases = []
    for (height, width, out_height, out_width), name in resize_cases():
        source = made.image(f"resize {height}x{width}", height, width)
        out = numpy.asarray(Image.fromarray(source).resize((out_width, out_height), FILTERS[name]))
        cases.append({"height": height, "width": width, "out_height": out_height, "out_width": out_width,
                      "filter": name, "sha256": sha256(out)})
        if out.size <= 105 and source.size <= 1200:
            cases[-1]["bytes"] = out.flatten().tolist()
    write_json(folder / "resize.json", cases)


def crops(folder):
    from transformers.image_transforms import center_crop
    cases = []
    for height, width, out_height, out_width in [(9, 8, 4, 4), (8, 9, 5, 3), (4, 6, 7, 9), (5, 12, 8, 7), (12, 5, 7, 8),
                                                 (6, 6, 6, 6), (3, 3, 10, 10), (1, 1, 2, 2)]:
        source = made.image(f"crop {height}x{width}", height, width, block=2)
        out = center_crop(source, (out_height, out_width), input_data_format="channels_last")
        cases.append({"height": height, "width": width, "out_height": out_height, "out_width": out_width,
                      "bytes": out.flatten().tolist()})
    write_json(folder / "crop.json", cases)


class Stop(Exception):
    pass


def seen_by_first_layer(model, layer, run):
    """What reaches a network's first convolution."""
    seen = []

    def keep(_, inputs):
        seen.append(inputs[0].detach().clone())
        raise Stop
    handle = layer.register_forward_pre_hook(keep)
    try:
        run()
    except Stop:
        pass
    handle.remove()
    return seen[0]


def prepare_by_pytorch_fid(net, image):
    from torchvision.transforms import ToTensor
    x = ToTensor()(Image.fromarray(image))[None]
    first = net.blocks[0][0].conv
    return seen_by_first_layer(net, first, lambda: net(x))


def prepare_by_torch_fidelity(image):
    import torch_fidelity.feature_extractor_inceptionv3 as module
    with mock.patch.object(module, "load_state_dict_from_url"), mock.patch.object(torch.nn.Module, "load_state_dict"):
        net = module.FeatureExtractorInceptionV3("inception-v3-compat", ["2048"])
    x = torch.from_numpy(image).permute(2, 0, 1)[None]
    return seen_by_first_layer(net, net.Conv2d_1a_3x3, lambda: net(x))


def prepare_by_torchmetrics(image):
    import torch_fidelity.feature_extractor_inceptionv3 as module
    from torchmetrics.image.fid import NoTrainInceptionV3
    with mock.patch.object(module, "load_state_dict_from_url"), mock.patch.object(torch.nn.Module, "load_state_dict"):
        net = NoTrainInceptionV3("inception-v3-compat", ["2048"])
    x = torch.from_numpy(image).permute(2, 0, 1)[None]
    return seen_by_first_layer(net, net.Conv2d_1a_3x3, lambda: net(x))


def prepare_by_clean_fid(image):
    from cleanfid.inception_torchscript import InceptionV3W
    from cleanfid.resize import build_resizer

    class Layers(torch.nn.Module):
        def forward(self, x):
            self.seen = x
            raise Stop
    net = InceptionV3W.__new__(InceptionV3W)  # its weights are not here; its forward() is what counts
    torch.nn.Module.__init__(net)
    net.layers, net.resize_inside = Layers(), False
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        x = torch.from_numpy(build_resizer("clean")(image).transpose(2, 0, 1))[None]
    try:
        net(x)
    except Stop:
        pass
    return net.layers.seen


def prepared(folder, net):
    """Every 13th pixel of what each tool's network sees."""
    by = {"pytorch-fid": lambda image: prepare_by_pytorch_fid(net, image), "torch-fidelity": prepare_by_torch_fidelity,
          "torchmetrics": prepare_by_torchmetrics, "clean-fid": prepare_by_clean_fid}
    tensors = {}
    for name in PROTOCOLS:
        for height, width in ((64, 64), (400, 333), (299, 299)):
            x = by[name](made.image(f"prepare {height}x{width}", height, width))
            assert x.shape == (1, 3, 299, 299) and x.dtype == torch.float32, (name, x.shape, x.dtype)
            tensors[f"{name} {height}x{width}"] = x[:, :, ::13, ::13].contiguous()
    save_file(tensors, folder / "prepared.safetensors")


def exact_distance(a, b):
    """By singular values of the centred rows: no square root of a rounding error. The yardstick for scipy as well."""
    a, b = a.astype(numpy.float64), b.astype(numpy.float64)
    ca, cb = a - a.mean(0), b - b.mean(0)
    na, nb = len(a) - 1, len(b) - 1
    nuclear = numpy.linalg.svd(ca @ cb.T, compute_uv=False).sum() / numpy.sqrt(na * nb)
    shift = a.mean(0) - b.mean(0)
    return shift @ shift + (ca * ca).sum() / na + (cb * cb).sum() / nb - 2 * nuclear


def scipy_distance(a, b):
    """As pytorch-fid writes it, with scipy's sqrtm; without its check of the imaginary part, whose bound is absolute and
    gives up on large features of fewer images than dimensions."""
    from pytorch_fid import fid_score
    a, b = a.astype(numpy.float64), b.astype(numpy.float64)  # as get_activations keeps them
    with warnings.catch_warnings(), mock.patch.object(fid_score.np, "allclose", return_value=True):
        warnings.simplefilter("ignore")
        return float(fid_score.calculate_frechet_distance(a.mean(0), numpy.cov(a, rowvar=False), b.mean(0),
                                                          numpy.cov(b, rowvar=False)))


def distances(folder):
    """[N, D, N of the reference]: torch-fidelity's test shapes, N above, at and below D."""
    shapes = [(2, 2, 2), (4, 4, 4), (8, 2, 8), (64, 4, 100), (2, 16, 2), (16, 16, 40), (32, 32, 16), (8, 64, 8), (64, 64, 64),
              (128, 64, 500), (500, 64, 16), (16, 256, 16), (256, 256, 256), (700, 256, 1000), (24, 2048, 24),
              (300, 2048, 2600), (2600, 2048, 2500)]
    cases = []
    for count, width, other in shapes:
        for kind, scale in (("plain", 1.0), ("large", 1024.0), ("small", 2.0**-10)):
            if width == 2048 and kind != "plain":
                continue
            name = f"{count} of {width} against {other}"
            a, b = made.rows(name, count, width, 0.25, scale), made.rows(name + " reference", other, width, 0.0, scale)
            cases.append({"count": count, "width": width, "reference": other, "shift": 0.25, "scale": scale, "name": name,
                          "scipy": scipy_distance(a, b), "exact": exact_distance(a, b)})
    write_json(folder / "frechet.json", cases)


def infinity(folder):
    """FID∞ as github.com/mchong6/FID_IS_infinity computes it (calculate_FID_infinity), whose shuffle is replaced by the
    order that fewstep documents: prompts by stream_seed(0, prompt, 0)."""
    def splitmix64(x):
        x = (x + 0x9E3779B97F4A7C15) % 2**64
        x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9 % 2**64
        x = (x ^ (x >> 27)) * 0x94D049BB133111EB % 2**64
        return x ^ (x >> 31)

    def stream_seed(prompt):
        return splitmix64(splitmix64(splitmix64(0) ^ prompt)) >> 1

    cases = []
    for count, width, other, per_prompt in ((200, 16, 300, 1), (640, 64, 900, 4), (41, 4, 60, 1)):
        name = f"infinity {count} of {width}"
        rows, reference = made.rows(name, count, width, 0.25, 1.0), made.rows(name + " reference", other, width, 0.0, 1.0)
        prompts = [3 * (i // per_prompt) for i in range(count)]
        order = sorted(range(count), key=lambda i: (stream_seed(prompts[i]), prompts[i]))
        sizes = numpy.linspace(-(-width * 5000 // 2048), count, 15).astype("int32")
        values = [scipy_distance(rows[order[:size]], reference) for size in sizes]
        line = numpy.linalg.lstsq(numpy.stack([numpy.ones(15), 1 / sizes], 1), numpy.array(values), rcond=None)[0]
        cases.append({"name": name, "count": count, "width": width, "reference": other, "per_prompt": per_prompt,
                      "sizes": sizes.tolist(), "order": order, "value": float(line[0])})
    write_json(folder / "frechet_infinity.json", cases)


def fid_images(which, count):
    return [made.image(f"{which} {i}", 40 + 3 * i, 64 - 2 * i, block=7 + i) for i in range(count)]


def fid(folder, net):
    """pytorch-fid from PNG files to the number, with weights by formula; 12 + 12 images of different sizes."""
    import tempfile

    from pytorch_fid.fid_score import calculate_activation_statistics, calculate_frechet_distance
    statistics = {}
    for which in ("images", "reference"):
        with tempfile.TemporaryDirectory() as temporary:
            files = [pathlib.Path(temporary) / f"{i:02}.png" for i in range(12)]
            for file, image in zip(files, fid_images(which, 12)):
                Image.fromarray(image).save(file)
            # Sizes differ, so pytorch-fid can only take one at a time.
            statistics[which] = calculate_activation_statistics(files, net, batch_size=1, num_workers=0)
    value = calculate_frechet_distance(*statistics["images"], *statistics["reference"])
    write_json(folder / "fid.json", {"pytorch-fid": float(value)})


def tiny_clip(folder):
    from transformers import CLIPConfig, CLIPModel
    words = write_tiny_tokenizer(folder)
    start, end = words["<|startoftext|>"], words["<|endoftext|>"]
    config = CLIPConfig(
        text_config=dict(vocab_size=len(words), hidden_size=24, intermediate_size=40, num_hidden_layers=2,
                         num_attention_heads=3, max_position_embeddings=77, bos_token_id=start, eos_token_id=end,
                         pad_token_id=end),
        vision_config=dict(hidden_size=28, intermediate_size=44, num_hidden_layers=2, num_attention_heads=7, **TINY),
        projection_dim=16)
    model = randomise(CLIPModel(config), 21)
    model.save_pretrained(folder)
    processor = tiny_processor()
    processor.save_pretrained(folder)
    return CLIPModel.from_pretrained(folder).eval()


def tiny_processor():
    from transformers import CLIPImageProcessorPil
    side = TINY["image_size"]
    return CLIPImageProcessorPil(size={"shortest_edge": side}, crop_size={"height": side, "width": side})


CAPTIONS = ["a red circle", "a blue square on the green circle", "", "a red circle", "the square above the circle and a b c",
            "a red circle " * 25, "a b " * 45, "circle of square " * 40, " ".join(["red"] * 75), " ".join(["red"] * 76)]


def clip_images():
    """Wide, tall, smaller and larger than the network's side."""
    sizes = [(32, 32), (48, 100), (97, 41), (20, 31), (64, 64), (200, 33), (33, 75), (31, 30), (128, 256), (45, 45)]
    return [made.image(f"clip {i}", height, width, block=5) for i, (height, width) in enumerate(sizes)]


def transformers_scores(model, images, captions, folder):
    from transformers import CLIPTokenizer
    tokenizer = CLIPTokenizer.from_pretrained(folder)
    pixels = tiny_processor()(images=[Image.fromarray(image) for image in images], return_tensors="pt")["pixel_values"]
    with torch.inference_mode():
        ids = tokenizer(captions, padding="max_length", truncation=True, max_length=77, return_tensors="pt")
        out = model(pixel_values=pixels, **ids)
    cosines = (out.image_embeds * out.text_embeds).sum(-1)
    return pixels, (100 * cosines).tolist()


class ForTorchmetrics(torch.nn.Module):
    """torchmetrics 1.9.0 expects tensors where Transformers 5 returns objects."""

    def __init__(self, model):
        super().__init__()
        self.model, self.config = model, model.config

    def get_image_features(self, pixels):
        return self.model.get_image_features(pixels).pooler_output

    def get_text_features(self, ids, mask):
        return self.model.get_text_features(ids, mask).pooler_output


def torchmetrics_scores(model, images, captions, folder):
    """Each image alone, its score before the clamp, and the metric over all of them."""
    from torchmetrics.functional.multimodal.clip_score import _clip_score_update
    from torchmetrics.multimodal import CLIPScore
    from transformers import CLIPProcessor, CLIPTokenizer
    processor = CLIPProcessor(tiny_processor(), CLIPTokenizer.from_pretrained(folder))
    wrapped = ForTorchmetrics(model)
    tensors = [torch.from_numpy(image).permute(2, 0, 1) for image in images]
    metric = CLIPScore(lambda: (wrapped, processor))
    with torch.inference_mode():
        single = [_clip_score_update([x], [c], wrapped, processor)[0].item() for x, c in zip(tensors, captions)]
        metric.update(tensors, captions)
    return single, metric.compute().item()


def clip(folder):
    case = folder / "clip-tiny"
    shutil.rmtree(case, ignore_errors=True)
    model = tiny_clip(case)
    images = clip_images()
    pixels, scores = transformers_scores(model, images, CAPTIONS, case)
    single, mean = torchmetrics_scores(model, images, CAPTIONS, case)
    # Of the captions in the other order, a mean below 0 is clamped.
    below = [i for i, s in enumerate(single) if s < 0]
    _, clamped = torchmetrics_scores(model, [images[i] for i in below], [CAPTIONS[i] for i in below], case)
    # The end token said to be 2, as in OpenAI's files: pooled at the highest id.
    model.text_model.eos_token_id = 2
    highest, highest_mean = torchmetrics_scores(model, images, CAPTIONS, case)
    write_json(folder / "clip.json", {
        "captions": CAPTIONS, "sizes": [list(image.shape[:2]) for image in images], "transformers": scores,
        "torchmetrics": single, "torchmetrics_mean": mean, "below_zero": below, "torchmetrics_below_zero": clamped,
        "torchmetrics_end_2": highest, "torchmetrics_end_2_mean": highest_mean})
    save_file({"pixels": pixels.contiguous()}, folder / "clip_pixels.safetensors")


def statistics_files(folder):
    """As other tools write them, and what has to be refused."""
    good, bad = folder / "npz", folder / "npz-refused"
    for path in (good, bad):
        shutil.rmtree(path, ignore_errors=True)
        path.mkdir()
    rows = made.rows("statistics", 20, 6).astype(numpy.float64)
    mu, sigma = rows.mean(0), numpy.cov(rows, rowvar=False)
    numpy.savez_compressed(good / "pytorch-fid.npz", mu=mu, sigma=sigma)
    numpy.savez(good / "adm.npz", mu=mu, sigma=sigma, mu_s=numpy.zeros(3), sigma_s=numpy.zeros((3, 3)))
    numpy.savez_compressed(good / "clean-fid.npz", mu=mu.astype(numpy.float32), sigma=sigma)
    numpy.savez(good / "float32.npz", mu=mu.astype(numpy.float32), sigma=sigma.astype(numpy.float32))
    numpy.savez(good / "fortran.npz", mu=mu, sigma=numpy.asfortranarray(sigma))
    apart = numpy.triu(numpy.full((6, 6), 2e-5 * abs(sigma).max()), 1)  # as far off symmetric as sums in float32
    numpy.savez(good / "asymmetric.npz", mu=mu, sigma=sigma + apart - apart.T)
    numpy.savez(good / "ours.npz", mu=mu, sigma=sigma, protocol="pytorch-fid", count=20, network="ab" * 32)

    def refuse(name, **arrays):
        numpy.savez(bad / f"{name}.npz", **arrays)
    refuse("no-sigma", mu=mu)
    refuse("images", arr_0=numpy.zeros((2, 4, 4, 3), numpy.uint8))
    refuse("kid", feats=numpy.zeros((4, 6), numpy.float32))
    refuse("pickled", mu=mu.astype(object), sigma=sigma)
    refuse("structured", mu=numpy.zeros(6, [("a", "<f8")]), sigma=sigma)
    refuse("complex", mu=mu.astype(complex), sigma=sigma)
    refuse("float16", mu=mu.astype(numpy.float16), sigma=sigma)
    refuse("big-endian", mu=mu.astype(">f8"), sigma=sigma)
    refuse("integers", mu=numpy.arange(6), sigma=sigma)
    refuse("wrong-width", mu=mu[:5], sigma=sigma)
    refuse("matrix-mu", mu=mu[None], sigma=sigma)
    refuse("flat-sigma", mu=mu, sigma=sigma.flatten())
    refuse("empty", mu=mu[:0], sigma=sigma[:0, :0])
    refuse("nan", mu=mu, sigma=numpy.where(numpy.eye(6) > 0, numpy.nan, sigma))
    refuse("infinite", mu=numpy.where(numpy.arange(6) == 2, numpy.inf, mu), sigma=sigma)
    refuse("asymmetric", mu=mu, sigma=sigma + numpy.triu(numpy.full((6, 6), 0.01), 1))
    refuse("negative-variance", mu=mu, sigma=-sigma)
    refuse("count-of-one", mu=mu, sigma=sigma, count=1)
    refuse("count-of-text", mu=mu, sigma=sigma, count="20")
    refuse("protocol-of-number", mu=mu, sigma=sigma, protocol=3)
    refuse("mean-cov", mean=mu, cov=sigma)
    refuse("m-s", m=mu, s=sigma)
    refuse("mu1-sigma1", mu1=mu, sigma1=sigma)
    refuse("object", arr_0=numpy.array({"mu": mu, "sigma": sigma}, dtype=object))
    torch.save({"mu": mu, "sigma": sigma}, bad / "torch-fidelity.pt")


def make(folder: pathlib.Path):
    net, _ = inception(hashed.inception_weights)
    net.resize_input = net.normalize_input = True
    resizes(folder)
    crops(folder)
    prepared(folder, net)
    clip(folder)
    statistics_files(folder)
    fid(folder, net)
    distances(folder)
    infinity(folder)
