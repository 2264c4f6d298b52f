#pragma once
#include <array>
#include <filesystem>
#include <string>
#include <string_view>

namespace fewstep {

// Known mistakes: what people have whose files are rightly refused, in the order of kKnownMistakes.
enum class KnownMistake {
  kStudentUnderAnotherScheduler,
  kClippedSamples,
  kFusedLora,
  kLoraAlone,
  kSingleFile,
  kHubId,
  kNetworkAlone,
  kTwoTextEncoders,
  kTransformer,
  kQuantised,
  kVariantAlone
};

struct Remedy {
  std::string_view seen, to_do;  // {}: what the message is about, a path or a name
};

inline constexpr std::array<Remedy, 11> kKnownMistakes{{
    {"a consistency model whose scheduler is not LCMScheduler",
     "if it is a consistency model, its scheduler has to say so: set the scheduler's class in model_index.json and "
     "_class_name in scheduler/scheduler_config.json to LCMScheduler; lcm runs on it as it is where its times are "
     "given "
     "(sample --times, times of an experiment)"},
    {"an LCMScheduler that clips samples, as the method's first files do",
     "set \"clip_sample\" to false in that file, as the method's later files have it"},
    {"a UNet with a LoRA fused and saved beside its layers",
     "these are the weights of a LoRA that was fused and not unloaded: call unload_lora_weights() after fuse_lora(), "
     "and save the pipeline again"},
    {"a LoRA without its base model",
     "merge it into its base model with diffusers, and save that: load_lora_weights('{}'), fuse_lora(), "
     "unload_lora_weights(), save_pretrained(…)"},
    {"a single-file checkpoint",
     "convert it:\n  python3 -c \"from diffusers import StableDiffusionPipeline as P; "
     "P.from_single_file('{}').save_pretrained('{out}')\""},
    {"a name on a model hub", "a name on a hub is fetched first: hf download {} --local-dir {out}"},
    {"one network of a checkpoint", "give the folder above it"},
    {"a pipeline of two or three text encoders (SDXL, Stable Diffusion 3)",
     "{} belongs to another architecture (SDXL and later), which fewstep cannot run; Stable Diffusion 1.x and 2.x can "
     "be"},
    {"a pipeline around a transformer (Flux, PixArt, Sana)",
     "{} runs a transformer in place of a UNet, which fewstep cannot run; Stable Diffusion 1.x and 2.x can be"},
    {"quantised weights (bitsandbytes, GPTQ, torchao)",
     "the weights are quantised, which fewstep cannot run: load them with the package that quantised them, call "
     "dequantize(), and save the model again"},
    {"weights under the name of a variant alone (bf16, ema, non_ema)",
     "there is the variant {}: link the one that is meant to the plain name"},
}};

// What to do about it, for the end of a message. about is put in place of {}, its last part in place of {out}.
std::string remedy(KnownMistake mistake, std::string_view about = "");

// For a path at which there is nothing: the nearest name in its folder, "; did you mean lcm?"; kHubId where it ends as
// a name on a hub does, "owner/name"; else empty.
std::string remedy_for_nothing_at(const std::filesystem::path& path);

}  // namespace fewstep
