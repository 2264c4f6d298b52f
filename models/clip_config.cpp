#include "models/clip_config.h"

#include "core/error.h"
#include "formats/json.h"
#include "models/config.h"
#include "models/layers.h"

#include <nlohmann/json.hpp>

#include <fmt/format.h>

#include <string>
#include <utility>

namespace fewstep {
namespace {

// Training, text generation and bookkeeping: Transformers 4 wrote all of these into every CLIP configuration, and the
// class of Transformers 5 does not know most of them.
void skip_keys_without_effect(Config& config) {
  config.without_effect(
      "architectures attention_dropout dropout initializer_factor initializer_range dtype torch_dtype "
      "transformers_version tokenizer_class bos_token_id pad_token_id sep_token_id "
      "decoder_start_token_id bad_words_ids begin_suppress_tokens suppress_tokens diversity_penalty "
      "do_sample early_stopping encoder_no_repeat_ngram_size exponential_decay_length_penalty "
      "finetuning_task forced_bos_token_id forced_eos_token_id id2label label2id length_penalty "
      "max_length min_length no_repeat_ngram_size num_beam_groups num_beams num_return_sequences "
      "output_attentions output_hidden_states output_scores prefix problem_type remove_invalid_values "
      "repetition_penalty return_dict return_dict_in_generate task_specific_params temperature "
      "tf_legacy_loss tie_encoder_decoder tie_word_embeddings top_k top_p torchscript typical_p "
      "use_bfloat16");
}

void read_common(Config& config, ClipTowerConfig& tower) {
  tower.layers = config.integer("num_hidden_layers");
  tower.hidden_act = config.text("hidden_act");
  parse_activation(tower.hidden_act, config.where());
  tower.layer_norm_eps = config.number("layer_norm_eps");
  tower.projection_dim = config.integer("projection_dim");
  if (tower.hidden_size % tower.heads != 0) {
    throw input_error(config.where(),
                      fmt::format("expected hidden_size divisible by num_attention_heads, got {} and {}",
                                  tower.hidden_size, tower.heads));
  }
  skip_keys_without_effect(config);
  config.finish();
}

ClipTowerConfig read_text(Config config) {
  config.only("model_type", "clip_text_model");
  ClipTowerConfig tower;
  tower.vocab_size = config.integer("vocab_size");
  tower.hidden_size = config.integer("hidden_size");
  tower.intermediate_size = config.integer("intermediate_size");
  tower.heads = config.integer("num_attention_heads");
  tower.positions = config.integer("max_position_embeddings");
  tower.eos_token_id = config.integer("eos_token_id");
  read_common(config, tower);
  return tower;
}

ClipTowerConfig read_vision(Config config) {
  config.only("model_type", "clip_vision_model");
  ClipTowerConfig tower;
  tower.hidden_size = config.integer("hidden_size");
  tower.intermediate_size = config.integer("intermediate_size");
  tower.heads = config.integer("num_attention_heads");
  tower.image_size = config.integer("image_size");
  tower.patch_size = config.integer("patch_size");
  tower.channels = config.integer("num_channels");
  if (tower.patch_size > tower.image_size) {
    throw input_error(config.where(), fmt::format("expected patch_size of at most image_size {}, got {}",
                                                  tower.image_size, tower.patch_size));
  }
  config.without_effect("eos_token_id");
  read_common(config, tower);
  return tower;
}

}  // namespace

ClipTowerConfig read_clip_text_config(const std::filesystem::path& config_json) {
  return read_text(Config::read(config_json, {"CLIPTextConfig"}));
}

ClipConfigs read_clip_config(const std::filesystem::path& config_json) {
  nlohmann::json object = read_json_object(config_json);
  for (const std::string key : {"text_config", "vision_config"}) {
    // Transformers writes every value of *_config_dict, and a default for every one it lacks, over *_config.
    const auto old = object.find(key + "_dict");
    if (old == object.end()) continue;
    if (!old->is_null()) object[key] = *old;
    object.erase(key + "_dict");
  }
  Config config(std::move(object), config_json.string(), {"CLIPConfig"});
  config.only("model_type", "clip");
  ClipConfigs configs{read_text(config.object("text_config", {"CLIPTextConfig"})),
                      read_vision(config.object("vision_config", {"CLIPVisionConfig"}))};
  configs.text.projection_dim = configs.vision.projection_dim = config.integer("projection_dim");
  config.without_effect("logit_scale_init_value");
  skip_keys_without_effect(config);
  config.finish();
  return configs;
}

nlohmann::json text_config_json(const ClipTowerConfig& config) {
  return {{"architectures", nlohmann::json::array({"CLIPTextModel"})},
          {"model_type", "clip_text_model"},
          {"vocab_size", config.vocab_size},
          {"hidden_size", config.hidden_size},
          {"intermediate_size", config.intermediate_size},
          {"num_hidden_layers", config.layers},
          {"num_attention_heads", config.heads},
          {"max_position_embeddings", config.positions},
          {"projection_dim", config.projection_dim},
          {"hidden_act", config.hidden_act},
          {"layer_norm_eps", config.layer_norm_eps},
          {"eos_token_id", config.eos_token_id}};
}

nlohmann::json clip_config_json(const ClipTowerConfig& text, const ClipTowerConfig& vision) {
  nlohmann::json text_config = text_config_json(text);
  text_config.erase("architectures");
  return {{"architectures", nlohmann::json::array({"CLIPModel"})},
          {"model_type", "clip"},
          {"projection_dim", text.projection_dim},
          {"logit_scale_init_value", 2.6592},
          {"text_config", text_config},
          {"vision_config",
           {{"model_type", "clip_vision_model"},
            {"hidden_size", vision.hidden_size},
            {"intermediate_size", vision.intermediate_size},
            {"num_hidden_layers", vision.layers},
            {"num_attention_heads", vision.heads},
            {"projection_dim", vision.projection_dim},
            {"image_size", vision.image_size},
            {"patch_size", vision.patch_size},
            {"num_channels", vision.channels},
            {"hidden_act", vision.hidden_act},
            {"layer_norm_eps", vision.layer_norm_eps}}}};
}

}  // namespace fewstep
