#pragma once
#include "settings/experiment.h"
#include "settings/fields.h"
#include "settings/scenes.h"

#include <array>
#include <cmath>
#include <limits>

namespace fewstep::rows {

// The keys of an experiment file, a list for each table. experiment.cpp reads them, experiment_json.cpp hashes them and
// makes their JSON Schema.

using namespace fields;

inline constexpr int kMaxSteps = 1000;
inline constexpr double kInfinity = std::numeric_limits<double>::infinity();

// A name that becomes a file name and a word of --only.
std::string plain_name(const TomlTable& table);
void read_omega(const Field<Axes>&, const TomlTable& table, Axes& to, SettingsFile&);
void read_times(const Field<Axes>&, const TomlTable& table, Axes& to, SettingsFile&);
void read_guidance_scale(const Field<Axes>&, const TomlTable& table, Axes& to, SettingsFile&);
void read_path(const Field<ExperimentCheckpoint>&, const TomlTable& table, ExperimentCheckpoint& to,
               SettingsFile& file);
void read_samplers(const Field<ExperimentCheckpoint>&, const TomlTable& table, ExperimentCheckpoint& to, SettingsFile&);
void read_filters(const Field<PromptQuery>&, const TomlTable& table, PromptQuery& to, SettingsFile& file);
inline constexpr std::string_view kKeepExtremes = "extremes";
void read_keep(const Field<Experiment>&, const TomlTable& table, Experiment& to, SettingsFile&);
nlohmann::json guidance_json(const std::vector<Guidance>& guidance);
nlohmann::json times_json(const Axes& axes);
nlohmann::json path_json(const ExperimentCheckpoint& checkpoint);
nlohmann::json filters_json(const PromptQuery& query);
nlohmann::json keep_json(const Experiment& experiment);

template <typename T>
constexpr Field<T> name(std::string_view meaning) {
  return custom<T>(
      "name", R"({"type": "string", "pattern": "^[A-Za-z0-9_+][A-Za-z0-9._+-]{0,99}$"})", meaning,
      [](const Field<T>&, const TomlTable& table, T& to, SettingsFile&) { to.name = plain_name(table); },
      [](const T& from) -> nlohmann::json { return from.name; });
}

inline constexpr std::array kExperiment{
    name<Experiment>("names the store, results/NAME.sqlite").required(),
    integer<&Experiment::cell, &CellKey::seed>("seed", 0, std::numeric_limits<std::int64_t>::max(), "of all noise")
        .required(),
};

inline constexpr std::array kFilePrompts{
    path<&PromptQuery::file>("file", "a file of captions"),
    text<&PromptQuery::text>("text", "the column or key of the captions"),
    custom<PromptQuery>("where", R"({"type": "array", "items": {"type": "object"}})",
                        "rows to keep; every filter must hold", read_filters, filters_json),
    integer<&PromptQuery::count>("count", 1, 1'000'000'000, "the first so many captions"),
    number<&PromptQuery::max_left_out>("max_left_out", 0, 1, "part of the rows whose text may be broken").not_hashed(),
};
inline constexpr std::array kScenePrompts{kFilePrompts[3].required()};
inline constexpr std::array kEveryPrompt{
    integer<&Experiment::images_per_prompt>("images_per_prompt", 1, 10'000, "images of each caption and cell"),
    text<&Experiment::cell, &CellKey::negative_prompt>("negative_prompt", "what guidance leads away from"),
};
inline constexpr std::array kFilter{
    text<&RowFilter::column>("column", "a column of numbers").required(),
    number<&RowFilter::at_least>("at_least", -kInfinity, kInfinity, "smallest value kept"),
    number<&RowFilter::at_most>("at_most", -kInfinity, kInfinity, "largest value kept"),
};

inline constexpr std::array kReference{
    path<&Experiment::reference_images>("images", "a folder of images"),
    path<&Experiment::reference_statistics>("statistics", "an .npz of mean and covariance"),
    boolean<&Experiment::assume_protocol>("assume_protocol", "take statistics that do not name their protocol"),
    boolean<&Experiment::floor>("floor", "add a row: held-out reference images against the other ones").not_hashed(),
    number<&Experiment::reference_max_left_out>("max_left_out", 0, 1, "part of the images that may be broken")
        .not_hashed(),
};
inline constexpr std::array kReferenceScenes{
    integer<&ReferenceShapes::count>("count", 2, 10'000'000, "of builtin alone: the number of scenes"),
    integer<&ReferenceShapes::first>("first", 0, 1'000'000'000'000, "of builtin alone: index of the first scene"),
};

inline constexpr std::array kAxes{
    integers<&Axes::steps>("steps", 1, kMaxSteps, "network evaluations along the sampling path"),
    custom<Axes>(
        "omega",
        R"({"anyOf": [{"type": "number", "minimum": -1, "maximum": 999}, {"type": "array", "items": {"type": "number", "minimum": -1, "maximum": 999}, "minItems": 1}]})",
        "guidance as the LCM paper counts it; 0 is none", read_omega,
        [](const Axes& from) { return guidance_json(from.guidance); }),
    custom<Axes>(
        "guidance_scale",
        R"({"anyOf": [{"type": "number", "minimum": 0, "maximum": 1000}, {"type": "array", "items": {"type": "number", "minimum": 0, "maximum": 1000}, "minItems": 1}]})",
        "the same knob, 1 + omega", read_guidance_scale, [](const Axes& from) { return guidance_json(from.guidance); }),
    integers<&Axes::original_inference_steps>("original_inference_steps", 1, kMaxSteps,
                                              "points of the grid that lcm takes its times from"),
    custom<Axes>(
        "times",
        R"({"type": "object", "additionalProperties": {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 999}, {"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 999}, "minItems": 1, "uniqueItems": true}]}})",
        "the times of each step count, falling, instead of those of a spacing: {4 = [999, 749, 499, 249], 1 = 399}",
        read_times, times_json)
        .later(),
};
inline constexpr std::array kGrid{
    choices<&Experiment::spacing>("spacing", kSpacings, "where the times lie"),
    choice<&Experiment::final_sigma>("final_sigma", kFinalSigmas, "where the path ends"),
};

inline constexpr std::array kCheckpoint{
    name<ExperimentCheckpoint>("of the row").required(),
    custom<ExperimentCheckpoint>(
        "path", R"({"oneOf": [{"type": "string"}, {"type": "object", "additionalProperties": {"type": "string"}}]})",
        "a folder in diffusers layout, or one for each step count", read_path, path_json)
        .required(),
    custom<ExperimentCheckpoint>("samplers", "", "each must fit the checkpoint", read_samplers,
                                 [](const ExperimentCheckpoint& from) -> nlohmann::json { return from.samplers; })
        .required(),
};

// [[distill]]
struct Distill {
  std::string name;
  std::filesystem::path recipe;
  std::vector<std::string> set;
  std::vector<int> skip_step;
  std::vector<std::int64_t> evaluate_at;
};
inline constexpr std::array kDistill{
    name<Distill>("of the rows").required(),
    path<&Distill::recipe>("recipe", "of method lcd, lcf or guided-distill").required(),
    custom<Distill>(
        "set", R"({"type": "array", "items": {"type": "string"}})", "settings over the recipe's",
        [](const Field<Distill>&, const TomlTable& table, Distill& to, SettingsFile&) {
          if (const auto given = table.texts("set"))
            for (const auto& [setting, where] : *given) to.set.push_back(setting);
        },
        [](const Distill& from) -> nlohmann::json { return from.set; }),
    integers<&Distill::skip_step>("skip_step", 1, kMaxSteps, "a student for each k"),
    integers<&Distill::evaluate_at>("evaluate_at", 1, 1'000'000'000, "the same student after so many training steps"),
};

inline constexpr std::array kMetric{
    text<&MetricSettings::name>("name", "").required(),
    text<&MetricSettings::protocol>("protocol", "whose numbers to give; else the metric's first"),
    path<&MetricSettings::network>("weights", "FID's Inception-v3 as safetensors, for fid"),
    path<&MetricSettings::network>("model", "folder of the network, for the other metrics"),
};

inline constexpr std::array kTiming{
    integers<&Timing::batch>("batch", 1, 4096, "images at a time"),
    integer<&Timing::warmup>("warmup", 0, 10'000, "repetitions before the clock counts"),
    integer<&Timing::repetitions>("repetitions", 1, 1'000'000, "each is kept in the store"),
};

inline constexpr std::array kImages{
    integer<&Experiment::cell, &CellKey::height>("height", 8, 16'384, "pixels"),
    integer<&Experiment::cell, &CellKey::width>("width", 8, 16'384, "pixels"),
    custom<Experiment>("keep",
                       R"({"oneOf": [{"type": "boolean"}, {"type": "integer", "minimum": 0}, {"const": "extremes"}]})",
                       "keep images: all, those of the first so many prompts, or the extremes that a page shows",
                       read_keep, keep_json),
};

}  // namespace fewstep::rows
