#include "harness/generate/cut_captions.h"

#include "core/files.h"
#include "core/grouped.h"
#include "models/tokenizer/tokenizer_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <string_view>

namespace fewstep {
namespace {

// Whether two folders tokenize alike, by their files' content.
std::string identity_of(const std::filesystem::path& folder) {
  std::string identity;
  for (const auto& file : tokenizer_files(folder))
    identity += file.filename().string() + " " + sha256(read_file(file)) + "\n";
  return identity;
}

// A text of plain letters has no more tokens than bytes; a learned token, <name>, may be several.
bool is_short(std::string_view text, std::size_t most_tokens) {
  return text.size() <= most_tokens &&
         std::ranges::all_of(text, [](unsigned char letter) { return letter < 0x80 && letter != '<'; });
}

CutCaptions cut_by(const Tokenizer& tokenizer, std::span<const std::string> texts) {
  CutCaptions cut{0, std::ssize(texts), tokenizer.max_length()};
  const auto most = static_cast<std::size_t>(std::max<std::int64_t>(0, cut.max_length - 2));
  for (std::size_t i = 0; i < texts.size(); ++i) {
    if (is_short(texts[i], most)) continue;
    const std::size_t tokens = tokenizer.tokens(tokenizer.with_all_vectors(texts[i])).size() + 2;
    cut.count += static_cast<std::int64_t>(tokens) > cut.max_length;
    if (tokens > cut.longest_tokens) {
      cut.longest = i;
      cut.longest_tokens = tokens;
    }
  }
  return cut;
}

}  // namespace

CutCaptions cut_captions(std::span<const Tokenizer> tokenizers, std::span<const std::string> texts) {
  CutCaptions most;
  for (const Tokenizer& tokenizer : tokenizers)
    if (const CutCaptions cut = cut_by(tokenizer, texts); cut.count > most.count) most = cut;
  return most;
}

CutCaptions cut_captions(const Plan& plan) {
  std::set<std::filesystem::path> folders;
  for (const PlannedCell& cell : plan.cells)
    for (const std::string_view tokenizer : cell.checkpoint.family->tokenizers)
      folders.insert(cell.cell.checkpoint.folder / tokenizer);
  std::set<std::string> seen;
  CutCaptions most;
  for (const auto& folder : folders) {
    if (!seen.insert(identity_of(folder)).second) continue;
    const CutCaptions cut = cut_by(Tokenizer::open(folder), plan.texts);
    if (cut.count > most.count) most = cut;
  }
  return most;
}

std::string text_of(const CutCaptions& cut, std::int64_t row) {
  return fmt::format(
      "{} of {} captions are longer than the text encoder's {} tokens and are cut; the longest is row {} with {} "
      "tokens",
      grouped(cut.count), grouped(cut.of), cut.max_length, row, cut.longest_tokens);
}

}  // namespace fewstep
