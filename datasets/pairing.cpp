#include "datasets/pairing.h"

#include "core/error.h"
#include "core/files.h"
#include "core/text.h"
#include "core/warnings.h"
#include "datasets/name_form.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <map>
#include <numeric>
#include <set>

namespace fewstep {
namespace {

namespace fs = std::filesystem;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string name_of(const fs::path& file, const fs::path& folder) {
  return file.lexically_relative(folder).generic_string();
}

// Up to three of some names, and how many there are.
std::string some(const std::vector<std::string>& names) {
  std::string text;
  for (std::size_t i = 0; i < std::min<std::size_t>(names.size(), 3); ++i)
    text += (i ? ", " : "") + in_quotes(names[i]);
  return text + (names.size() > 3 ? fmt::format(" and {} more", names.size() - 3) : "");
}

using Key = std::string (*)(const fs::path& relative);
// How a table may name an image: as it lies below the folder, by its file name alone (a table of full paths), or
// without its ending (img2dataset's key).
constexpr Key kKeys[] = {[](const fs::path& path) { return path.lexically_normal().generic_string(); },
                         [](const fs::path& path) { return path.filename().string(); },
                         [](const fs::path& path) { return path.stem().string(); }};

// Whether names are compared as they are, or in one Unicode form.
enum class Form { kBytes, kComposed };

struct Names {
  std::map<std::string, std::size_t> captions;  // into the prompts
  std::vector<std::string> images, bare, unknown;
  bool ambiguous = false;  // two names of files or captions are one in the composed form
  bool all_fit() const { return bare.empty() && unknown.empty() && !ambiguous; }
};

Names matched(const fs::path& folder, std::span<const fs::path> files, const PromptSet& set, Key key, Form form,
              const fs::path& where) {
  const auto name_in = [&](const std::string& file) {
    return form == Form::kComposed ? composed_name(key(file)) : key(file);
  };
  Names names;
  for (std::size_t i = 0; i < set.prompts.size(); ++i) {
    const Prompt& prompt = set.prompts[i];
    const auto [place, fresh] = names.captions.emplace(name_in(prompt.file), i);
    if (fresh || set.prompts[place->second].text == prompt.text) continue;
    if (form == Form::kBytes)
      throw input_error(where.string(), "expected one caption for " + in_quotes(place->first) + ", got two" +
                                            advice_for_captions(set.prompts[place->second].text, prompt.text));
    names.ambiguous = true;
  }
  std::set<std::string> images;
  for (const fs::path& file : files) {
    names.images.push_back(name_in(name_of(file, folder)));
    if (!images.insert(names.images.back()).second || !names.captions.contains(names.images.back()))
      names.bare.push_back(name_of(file, folder));
  }
  for (const auto& [name, index] : names.captions)
    if (!images.contains(name)) names.unknown.push_back(name);
  return names;
}

// Where an image and a name of the table that fit nothing are one name in another Unicode form.
std::string advice_for_forms(const Names& names) {
  std::set<std::string> forms;
  for (const std::string& name : names.unknown) forms.insert(composed_name(name));
  const auto twin = std::find_if(names.bare.begin(), names.bare.end(),
                                 [&](const std::string& name) { return forms.contains(composed_name(name)); });
  if (twin == names.bare.end()) return "";
  return "; " + in_quotes(*twin) +
         " has the same letters in the table in another Unicode normal form, and more than one pairing is possible: "
         "rename the files to one form";
}

Pairing by_name(const fs::path& folder, std::span<const fs::path> files, const PromptSet& set,
                const fs::path& captions) {
  Names names = matched(folder, files, set, kKeys[0], Form::kBytes, captions);
  // Another way to name images counts where all of them are named so, and none as they lie.
  for (const Key key : {kKeys[1], kKeys[2]}) {
    if (names.bare.size() < files.size()) break;
    if (Names other = matched(folder, files, set, key, Form::kBytes, captions); other.bare.empty())
      names = std::move(other);
  }
  // Likewise names in another Unicode form, where all of them find one partner so.
  for (const Key key : kKeys) {
    if (names.all_fit()) break;
    if (Names other = matched(folder, files, set, key, Form::kComposed, captions); other.all_fit())
      names = std::move(other);
  }
  if (!names.bare.empty())
    throw input_error(
        captions.string(),
        fmt::format(
            "expected a caption for each of {} images in {}, got none for {}{}{}", files.size(), folder.string(),
            some(names.bare),
            (names.unknown.empty() ? "" : "; of the names in the table these are not there: " + some(names.unknown)),
            advice_for_forms(names)));
  if (!names.unknown.empty())
    throw input_error(captions.string(), "expected the names of images in " + folder.string() + ", got " +
                                             some(names.unknown) + ", which are not there");
  Pairing pairing;
  for (const std::string& image : names.images) pairing.prompt.push_back(names.captions.at(image));
  pairing.text = "paired by the names in " + captions.string();
  return pairing;
}

// SHA-256 sums, UUIDs: whatever order they are in, it is not that of the captions.
bool is_hash(const fs::path& file) {
  constexpr std::size_t kShortest = 16;
  const std::string stem = file.stem().string();
  const auto of_hash = [](unsigned char c) { return std::isxdigit(c) || c == '-'; };
  const auto letter = [](unsigned char c) { return std::isalpha(c); };
  return stem.size() >= kShortest && std::all_of(stem.begin(), stem.end(), of_hash) &&
         std::any_of(stem.begin(), stem.end(), letter);
}

// The name without its numbers: names that differ in more than their numbers are ordered by the alphabet alone.
std::string pattern_of(const std::string& name) {
  std::string pattern;
  for (const char c : name)
    if (!is_digit(c))
      pattern += c;
    else if (!pattern.ends_with('#'))
      pattern += '#';
  return pattern;
}

void refuse_hashes(const fs::path& folder, std::span<const fs::path> files, const fs::path& captions) {
  if (files.size() < 2 || !std::all_of(files.begin(), files.end(), is_hash)) return;
  const fs::path own = folder / kCaptionsFile;
  std::error_code ignored;
  throw input_error(captions.string(),
                    "expected a table that names the images, for their names (" + files[0].filename().string() +
                        " …) are in no order; give " +
                        (fs::exists(own, ignored) ? "--prompts " + own.string() : "a .csv with columns file and text"));
}

Pairing by_order(const fs::path& folder, std::span<const fs::path> files, const PromptSet& set,
                 const fs::path& captions) {
  if (set.prompts.size() != files.size()) {
    throw input_error(
        captions.string(),
        fmt::format("expected {} captions, one for each image of {} in the order of their names, got {}{}",
                    files.size(), folder.string(), set.prompts.size(),
                    (set.rows_empty ? fmt::format(" and {} empty lines", set.rows_empty) : "")));
  }
  refuse_hashes(folder, files, captions);
  std::vector<std::string> names;
  std::set<std::string> patterns;
  for (const fs::path& file : files) {
    names.push_back(name_of(file, folder));
    patterns.insert(pattern_of(lower(fs::path(names.back()).replace_extension().string())));
  }
  std::vector<std::size_t> order(files.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return natural_less(names[a], names[b]); });
  Pairing pairing;
  pairing.prompt.resize(files.size());
  for (std::size_t rank = 0; rank < order.size(); ++rank) pairing.prompt[order[rank]] = rank;
  pairing.text = "paired in the order of the names, " + in_quotes(names[order.front()]) + " with " +
                 in_quotes(set.prompts.front().text);
  std::vector<std::string> sorted;
  for (const std::size_t i : order) sorted.push_back(names[i]);
  const auto first = [](const std::vector<std::string>& list) {
    std::string text;
    for (std::size_t i = 0; i < std::min<std::size_t>(list.size(), 4); ++i) text += list[i] + ", ";
    return text + "…";
  };
  if (sorted != names)
    warn(folder.string(), "images and captions are paired in the order of the numbers in the names (" + first(sorted) +
                              "), which is not the order of their letters (" + first(names) + ")");
  if (patterns.size() > 1)
    warn(folder.string(),
         "images and captions are paired in the order of the names (" + first(sorted) +
             "), which differ in more than a number; a table with columns file and text says it for sure");
  return pairing;
}

std::string quoted(const std::string& field) {
  std::string text = "\"";
  for (const char c : field) text += c == '"' ? "\"\"" : std::string(1, c);
  return text + "\"";
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  std::size_t i = 0, j = 0;
  while (i < a.size() && j < b.size()) {
    if (!is_digit(a[i]) || !is_digit(b[j])) {
      if (a[i] != b[j]) return static_cast<unsigned char>(a[i]) < static_cast<unsigned char>(b[j]);
      ++i, ++j;
      continue;
    }
    const auto number = [](std::string_view text, std::size_t& at) {
      while (at + 1 < text.size() && text[at] == '0' && is_digit(text[at + 1])) ++at;
      const std::size_t first = at;
      while (at < text.size() && is_digit(text[at])) ++at;
      return text.substr(first, at - first);
    };
    const std::string_view left = number(a, i), right = number(b, j);
    if (left.size() != right.size()) return left.size() < right.size();
    if (left != right) return left < right;
  }
  const std::size_t rest_a = a.size() - i, rest_b = b.size() - j;
  return rest_a != rest_b ? rest_a < rest_b : a < b;
}

Pairing pair_with_captions(const fs::path& folder, std::span<const fs::path> files, const PromptSet& set,
                           const fs::path& captions) {
  return set.names_files ? by_name(folder, files, set, captions) : by_order(folder, files, set, captions);
}

void write_captions(const fs::path& folder, std::span<const CaptionRow> rows) {
  std::string text = "file,text,row,cell\n";
  for (const CaptionRow& row : rows)
    text += fmt::format("{},{},{},{}\n", quoted(row.file), quoted(row.text), row.row, quoted(row.cell));
  write_file_atomically(folder / kCaptionsFile, text);
}

}  // namespace fewstep
