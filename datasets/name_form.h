#pragma once
#include <string>

namespace fewstep {

// A file name in Unicode's composed form (NFC), in which "é" is one character: macOS and archives made there write two.
// A name that is no UTF-8 as it is.
std::string composed_name(const std::string& name);

// What a message adds where an image has several captions.
std::string advice_for_captions(const std::string& first, const std::string& second);

}  // namespace fewstep
