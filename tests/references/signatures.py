"""models/reference_signatures.json: what the reference classes take, {class: {key: default}}, from their own signatures.

A key that is not there is ignored by the reference; a default stands in for a key that a file leaves out. Beside it
tests/golden/signatures/schedulers.json: what every scheduler of diffusers saves, with its defaults and with each of its
other choices.
"""
import importlib
import inspect
import json
import math
import pathlib
import pkgutil
import sys
import tempfile
import types

import diffusers
from diffusers.schedulers.scheduling_utils import SchedulerMixin
from transformers.models.clip.configuration_clip import CLIPConfig, CLIPTextConfig, CLIPVisionConfig
from transformers.models.clip.image_processing_pil_clip import CLIPImageProcessorPil

# Two schedulers import it at their first line; nothing here calls it.
sys.modules.setdefault("torchsde", types.ModuleType("torchsde"))
ROOT = pathlib.Path(__file__).resolve().parents[2]


def plain(value):
    """JSON's form of a default; a flag or class that JSON has not is null."""
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    if isinstance(value, float) and math.isinf(value):
        return math.copysign(1.7976931348623157e308, value)
    return value if isinstance(value, (str, int, float, bool, type(None))) else None


def signature_of(cls):
    parameters = inspect.signature(cls.__init__).parameters
    return {name: plain(p.default) if p.default is not inspect.Parameter.empty else None
            for name, p in parameters.items()
            if name != "self" and p.kind not in (p.VAR_KEYWORD, p.VAR_POSITIONAL)}


def schedulers():
    found = {}
    for module in pkgutil.walk_packages(diffusers.schedulers.__path__, "diffusers.schedulers."):
        if "flax" in module.name:
            continue
        for name, cls in vars(importlib.import_module(module.name)).items():
            if inspect.isclass(cls) and issubclass(cls, SchedulerMixin) and name.endswith("Scheduler"):
                found[name] = cls
    return [found[name] for name in sorted(found)]


def processor_signature():
    defaults = CLIPImageProcessorPil().to_dict()
    keys = CLIPImageProcessorPil.valid_kwargs.__annotations__
    signature = {key: plain(defaults.get(key)) for key in keys}
    signature["resample"] = int(defaults["resample"])
    signature["size"], signature["crop_size"] = dict(defaults["size"]), dict(defaults["crop_size"])
    return signature


# Other values than the default, tried one at a time where the class takes the key.
VARIANTS = {
    "prediction_type": ["v_prediction", "sample", "flow_prediction"], "beta_schedule": ["scaled_linear", "squaredcos_cap_v2"],
    "timestep_spacing": ["leading", "linspace", "trailing"], "steps_offset": [0, 1], "clip_sample": [True, False],
    "set_alpha_to_one": [True, False], "thresholding": [True], "rescale_betas_zero_snr": [True],
    "trained_betas": [[0.1, 0.2, 0.3]], "variance_type": ["learned", "learned_range", "fixed_large"],
    "use_karras_sigmas": [True], "use_exponential_sigmas": [True], "use_beta_sigmas": [True], "use_lu_lambdas": [True],
    "use_flow_sigmas": [True], "algorithm_type": ["dpmsolver", "dpmsolver++", "sde-dpmsolver++"],
    "solver_order": [1, 3], "solver_type": ["heun", "bh1"], "final_sigmas_type": ["sigma_min", "zero"],
    "original_inference_steps": [20], "timestep_scaling": [5.0], "timestep_type": ["continuous"], "skip_prk_steps": [True],
    "lower_order_final": [False], "euler_at_final": [True],
}


def saved_schedulers():
    saved = {}
    for cls in schedulers():
        keys = signature_of(cls)
        tries = [("", {})] + [(f" {key}={value}", {key: value}) for key, values in VARIANTS.items() if key in keys
                              for value in values if value != keys[key]]
        for label, options in tries:
            with tempfile.TemporaryDirectory() as folder:
                try:
                    cls(**options).save_pretrained(folder)
                except (NotImplementedError, ValueError, TypeError, ImportError, AttributeError):
                    continue  # the class itself refuses the value, or cannot be made without arguments
                saved[cls.__name__ + label] = (pathlib.Path(folder) / "scheduler_config.json").read_text()
    return saved


def make(out):
    classes = schedulers() + [diffusers.UNet2DConditionModel, diffusers.AutoencoderKL, CLIPTextConfig, CLIPVisionConfig, CLIPConfig]
    signatures = {cls.__name__: signature_of(cls) for cls in classes}
    for cls in (CLIPTextConfig, CLIPVisionConfig, CLIPConfig):
        signatures[cls.__name__]["model_type"] = cls.model_type
    signatures["CLIPImageProcessorPil"] = processor_signature()
    text = ",\n".join(f"{json.dumps(name)}: {json.dumps(keys, sort_keys=True)}" for name, keys in sorted(signatures.items()))
    (ROOT / "models/reference_signatures.json").write_text("{\n" + text + "\n}\n")
    (out / "schedulers.json").write_text(json.dumps(saved_schedulers(), indent=0) + "\n")
