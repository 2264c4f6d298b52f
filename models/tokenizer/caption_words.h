#pragma once
#include <string>
#include <string_view>
#include <vector>

namespace fewstep {

// The text steps of CLIP's tokenizer as Transformers 5 takes them, before byte-pair merging.

// Invalid UTF-8 becomes U+FFFD, one per maximal invalid part, as Python's decode(errors="replace") does.
std::string repair_utf8(std::string_view bytes);

// Canonical composition, each run of white space to one space, lower case per character (no final sigma).
std::string normalize_caption(std::string_view text);

// The pieces that are merged on their own: letters, one number, other signs, English contractions. Views into text,
// which must be valid UTF-8.
std::vector<std::string_view> split_words(std::string_view text);

}  // namespace fewstep
