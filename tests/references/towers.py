"""CLIP towers by transformers, AutoencoderKL by diffusers, Inception by pytorch-fid; tests/towers compares ours with them.

Each case is a folder as the packages write it, with expected.safetensors: inputs and what the packages make of them.
"""
import json
import pathlib
from unittest import mock

import torch
from safetensors.torch import load_file, save_file

from references import _hashed_weights as hashed
from references._tiny import write_tiny_tokenizer


def randomise(module, seed):
    """Random weights that keep activations near 1, and biases and norms that matter."""
    generator = torch.Generator().manual_seed(seed)
    for name, parameter in module.named_parameters():
        noise = torch.randn(parameter.shape, generator=generator)
        if "embedding" in name and parameter.ndim == 2:
            parameter.data = noise
        elif parameter.ndim > 1:
            parameter.data = noise * parameter[0].numel() ** -0.5
        elif name.endswith("weight"):
            parameter.data = 1 + 0.3 * noise
        elif parameter.ndim == 1:
            parameter.data = 0.3 * noise
    return module.eval()


def rename(path, new_name, extra=None):
    """Rewrites a weight file under other names; extra tensors are buffers that older versions stored."""
    tensors = {new_name(name): tensor for name, tensor in load_file(path).items()}
    save_file({**tensors, **(extra or {})}, path, metadata={"format": "pt"})


def text_config(**changes):
    from transformers import CLIPTextConfig
    return CLIPTextConfig(**{**dict(vocab_size=64, hidden_size=24, intermediate_size=40, num_hidden_layers=2,
                                    num_attention_heads=3, max_position_embeddings=12, projection_dim=20,
                                    hidden_act="quick_gelu", bos_token_id=0, pad_token_id=1, eos_token_id=2), **changes})


def token_ids(end):
    """Rows of start, words, end, padding. Words above and below the end token and one row with two ends tell the ways of
    pooling apart."""
    generator = torch.Generator().manual_seed(5)
    ids = torch.randint(3, 64, (4, 12), generator=generator)
    ids[:, 0] = 62
    ids[ids == end] = 3
    ids[0, 5:], ids[1, 11], ids[2, 3], ids[2, 9], ids[3, 1] = end, end, end, end, end
    return ids


def make_text(folder, model, ids, **more):
    with torch.inference_mode():
        out = model(input_ids=ids)
    expected = {"ids": ids, "states": out.last_hidden_state, **more}
    if hasattr(out, "text_embeds"):
        expected["embedding"] = out.text_embeds
    save_file({k: v.contiguous() for k, v in expected.items()}, folder / "expected.safetensors")


def text_cases(folder):
    from transformers import CLIPTextModel, CLIPTextModelWithProjection

    # As SD 1.5 has it: names with a prefix, the position buffer, the end token said to be 2.
    case = folder / "text_sd15"
    model = randomise(CLIPTextModel(text_config()), 1)
    model.save_pretrained(case)
    rename(case / "model.safetensors", lambda name: "text_model." + name,
           {"text_model.embeddings.position_ids": torch.arange(12)[None]})
    make_text(case, CLIPTextModel.from_pretrained(case).eval(), token_ids(63))

    # As SD 2.1: gelu, one layer less than the full tower; stored in float16, under the names of Transformers 5.
    case = folder / "text_sd21"
    model = randomise(CLIPTextModel(text_config(hidden_act="gelu", num_hidden_layers=3, num_attention_heads=4)), 2).half()
    model.save_pretrained(case)
    make_text(case, model.float(), token_ids(63))

    for name, end, config_end in (("text_projection_highest", 40, 2), ("text_projection_first_end", 40, 40)):
        case = folder / name
        model = randomise(CLIPTextModelWithProjection(text_config(eos_token_id=config_end, layer_norm_eps=1e-3)), 3)
        model.save_pretrained(case)
        make_text(case, model, token_ids(end))


def make_clip(folder, model):
    end = 40
    generator = torch.Generator().manual_seed(6)
    pixels = torch.randn(3, 3, 24, 24, generator=generator)
    ids = token_ids(end)
    with torch.inference_mode():
        text = model.text_model(input_ids=ids)
        save_file({"ids": ids, "pixels": pixels, "states": text.last_hidden_state.contiguous(),
                   "text_embedding": model.text_projection(text.pooler_output).contiguous(),
                   "image_embedding": model.get_image_features(pixels).pooler_output.contiguous()},
                  folder / "expected.safetensors")


# What Transformers 4 wrote into every nested configuration.
GENERATION_KEYS = dict(
    add_cross_attention=False, architectures=None, attention_dropout=0.0, bad_words_ids=None, bos_token_id=0,
    chunk_size_feed_forward=0, cross_attention_hidden_size=None, decoder_start_token_id=None, diversity_penalty=0.0,
    do_sample=False, dropout=0.0, early_stopping=False, encoder_no_repeat_ngram_size=0, eos_token_id=2, finetuning_task=None,
    forced_bos_token_id=None, forced_eos_token_id=None, id2label={"0": "LABEL_0", "1": "LABEL_1"}, initializer_factor=1.0,
    initializer_range=0.02, is_decoder=False, is_encoder_decoder=False, label2id={"LABEL_0": 0, "LABEL_1": 1},
    length_penalty=1.0, max_length=20, min_length=0, no_repeat_ngram_size=0, num_beam_groups=1, num_beams=1,
    num_return_sequences=1, output_attentions=False, output_hidden_states=False, output_scores=False, pad_token_id=1,
    prefix=None, pruned_heads={}, remove_invalid_values=False, repetition_penalty=1.0, return_dict=True,
    return_dict_in_generate=False, sep_token_id=None, task_specific_params=None, temperature=1.0,
    tie_encoder_decoder=False, tie_word_embeddings=True, tokenizer_class=None, top_k=50, top_p=1.0, torch_dtype=None,
    torchscript=False, transformers_version="4.16.0.dev0", typical_p=1.0, use_bfloat16=False)


def clip_cases(folder):
    from transformers import CLIPConfig, CLIPModel, CLIPVisionConfig

    vision = CLIPVisionConfig(hidden_size=28, intermediate_size=44, num_hidden_layers=2, num_attention_heads=7, image_size=24,
                              patch_size=8, hidden_act="gelu", layer_norm_eps=1e-4)
    config = CLIPConfig(text_config=text_config(eos_token_id=40, hidden_act="gelu").to_dict(), vision_config=vision.to_dict(),
                        projection_dim=16)
    case = folder / "clip"
    model = randomise(CLIPModel(config), 4)
    model.save_pretrained(case)
    write_tiny_tokenizer(case, model_max_length=12)
    make_clip(case, model)

    # As OpenAI's: position buffers, and *_config_dict, whose values and defaults overrule *_config (the end token 2 there).
    case = folder / "clip_openai"
    text_sizes = dict(vocab_size=64, hidden_size=24, intermediate_size=40, num_hidden_layers=2, num_attention_heads=3,
                      max_position_embeddings=12, eos_token_id=40)
    vision_sizes = dict(hidden_size=28, intermediate_size=44, num_hidden_layers=2, num_attention_heads=7, image_size=24,
                        patch_size=8)
    old = {"_commit_hash": None, "architectures": ["CLIPModel"], "initializer_factor": 1.0, "logit_scale_init_value": 2.6592,
           "model_type": "clip", "projection_dim": 16, "torch_dtype": "float32", "transformers_version": None,
           "text_config": {**GENERATION_KEYS, **text_sizes, "eos_token_id": 2, "model_type": "clip_text_model",
                           "layer_norm_eps": 1e-3, "hidden_act": "gelu"}, "text_config_dict": text_sizes,
           "vision_config": {**GENERATION_KEYS, **vision_sizes, "model_type": "clip_vision_model"}, "vision_config_dict": None}
    model = randomise(CLIPModel(CLIPConfig(text_config=text_sizes, vision_config=vision_sizes, projection_dim=16)), 5)
    model.save_pretrained(case)
    (case / "config.json").write_text(json.dumps(old, indent=2) + "\n")
    rename(case / "model.safetensors", str, {"text_model.embeddings.position_ids": torch.arange(12)[None],
                                             "vision_model.embeddings.position_ids": torch.arange(10)[None]})
    write_tiny_tokenizer(case, model_max_length=12)
    make_clip(case, CLIPModel.from_pretrained(case).eval())


OLD_ATTENTION_NAMES = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


def old_vae_name(name):
    for new, old in OLD_ATTENTION_NAMES.items():
        name = name.replace(f"attentions.0.{new}.", f"attentions.0.{old}.")
    return name


def make_vae(case, vae, seed, height, width):
    generator = torch.Generator().manual_seed(seed)
    factor = 2 ** (len(vae.config.block_out_channels) - 1)
    latents = torch.randn(2, vae.config.latent_channels, height // factor, width // factor, generator=generator)
    images = torch.rand(2, 3, height, width, generator=generator) * 2 - 1
    with torch.inference_mode():
        posterior = vae.encode(images).latent_dist
        save_file({"latents": latents, "images": images, "mean": posterior.mean.contiguous(),
                   "logvar": posterior.logvar.contiguous(),
                   "decoded": vae.decode(latents / vae.config.scaling_factor).sample.contiguous()}, case / "expected.safetensors")


def vae_cases(folder):
    from diffusers import AutoencoderKL

    def build(channels, **changes):
        n = len(channels)
        return AutoencoderKL(**{**dict(down_block_types=("DownEncoderBlock2D",) * n, up_block_types=("UpDecoderBlock2D",) * n,
                                       block_out_channels=channels, norm_num_groups=4, layers_per_block=1), **changes})

    case = folder / "vae_two_levels"
    vae = randomise(build((8, 16)), 11)
    vae.save_pretrained(case)
    make_vae(case, vae, 21, 12, 20)

    # As SD 1.5's file: four levels, the attention under its old names; stored in float16.
    case = folder / "vae_old_names"
    vae = randomise(build((8, 8, 16, 16), layers_per_block=2), 12).half()
    vae.save_pretrained(case)
    rename(case / "diffusion_pytorch_model.safetensors", old_vae_name)
    make_vae(case, AutoencoderKL.from_pretrained(case).float().eval(), 22, 32, 24)

    case = folder / "vae_no_attention"
    vae = randomise(build((4, 8, 12), norm_num_groups=2, mid_block_add_attention=False, use_quant_conv=False,
                          use_post_quant_conv=False, latent_channels=3, scaling_factor=0.7), 13)
    vae.save_pretrained(case)
    make_vae(case, vae, 23, 16, 16)


def inception(weights):
    """pytorch-fid's network with weights(shapes by name) instead of its published ones. Returns it and the shapes."""
    import pytorch_fid.inception as module
    with mock.patch.object(module, "load_state_dict_from_url"), mock.patch.object(torch.nn.Module, "load_state_dict"):
        bare = module.fid_inception_v3()
    shapes = {name: list(value.shape) for name, value in bare.state_dict().items()}
    bare.load_state_dict(weights(shapes))
    with mock.patch.object(module, "fid_inception_v3", return_value=bare):
        return module.InceptionV3(resize_input=False, normalize_input=False).eval(), shapes


def inception_case(folder):
    """Weights by a formula that the test repeats, since 95 MB are too many to keep."""
    net, shapes = inception(hashed.inception_weights)
    images = torch.from_numpy(hashed.images(2, 299))
    with torch.inference_mode():
        features = net(images)[0][:, :, 0, 0]
    lines = ",\n".join(f"{json.dumps(name)}: {shape}" for name, shape in shapes.items())
    (folder / "inception_shapes.json").write_text("{" + lines + "}\n")
    some_weights = net.blocks[3][2].branch_pool.conv.weight[0, :8, 0, 0].detach()
    save_file({"features": features.contiguous(), "some_weights": some_weights.clone(),
               "some_pixels": images[1, 2, 100, :8].clone()}, folder / "inception.safetensors")


def make(folder: pathlib.Path):
    text_cases(folder)
    clip_cases(folder)
    vae_cases(folder)
    inception_case(folder)
