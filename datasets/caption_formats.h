#pragma once
#include "core/names.h"
#include "datasets/prompt_set.h"

#include <algorithm>
#include <array>
#include <string>
#include <string_view>

namespace fewstep {

// A format of caption files.
struct CaptionFormat {
  std::string_view extension;
  PromptSet (*read)(const PromptQuery& query);
};

// Defined in captions_*.cpp; each throws as read_prompts says.
PromptSet read_prompts_parquet(const PromptQuery& query);
PromptSet read_prompts_tsv(const PromptQuery& query);
PromptSet read_prompts_csv(const PromptQuery& query);
PromptSet read_prompts_jsonl(const PromptQuery& query);
PromptSet read_prompts_txt(const PromptQuery& query);

inline constexpr std::array<CaptionFormat, 5> kCaptionFormats{{
    {".txt", read_prompts_txt},
    {".tsv", read_prompts_tsv},
    {".csv", read_prompts_csv},
    {".jsonl", read_prompts_jsonl},
    {".parquet", read_prompts_parquet},
}};

// The names alone, for programs that link no reader: kCaptionFormats itself is used by captions.cpp alone.
inline constexpr auto kCaptionExtensions = [] {
  std::array<std::string_view, kCaptionFormats.size()> names{};
  std::transform(kCaptionFormats.begin(), kCaptionFormats.end(), names.begin(),
                 [](const CaptionFormat& format) { return format.extension; });
  return names;
}();

inline bool is_caption_format(std::string_view extension) {
  return std::find(kCaptionExtensions.begin(), kCaptionExtensions.end(), extension) != kCaptionExtensions.end();
}

// "expected a caption file .txt, … or .parquet, got ".xlsx"".
inline std::string unknown_caption_format(const std::string& extension) {
  const bool table = extension == ".xlsx" || extension == ".xls" || extension == ".ods";
  return "expected a caption file " + listed(kCaptionExtensions, "or") + ", got \"" + extension + "\"" +
         (table                  ? "; save it as .csv in UTF-8"
          : extension == ".json" ? "; write a record a line, as .jsonl"
                                 : "");
}

}  // namespace fewstep
