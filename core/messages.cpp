#include "core/messages.h"

#include <nlohmann/json.hpp>

#include <iostream>
#include <ostream>
#include <streambuf>

namespace fewstep {
namespace {

MessageStyle chosen = MessageStyle::kLines;

class Nowhere : public std::streambuf {
 protected:
  int overflow(int c) override { return traits_type::not_eof(c); }
};

// Each line becomes an object; of a warning the word before its text.
class Objects : public std::streambuf {
 protected:
  int overflow(int c) override {
    if (traits_type::eq_int_type(c, traits_type::eof())) return traits_type::not_eof(c);
    if (c != '\n') {
      line_ += traits_type::to_char_type(c);
      return c;
    }
    constexpr std::string_view kWarning = "warning: ";
    const bool warning = line_.starts_with(kWarning);
    if (!line_.empty())
      std::cerr << event_json(warning ? "warning" : "message", line_.substr(warning ? kWarning.size() : 0))
                << std::endl;
    line_.clear();
    return c;
  }

 private:
  std::string line_;
};

}  // namespace

void set_message_style(MessageStyle style) { chosen = style; }
MessageStyle message_style() { return chosen; }

std::ostream& messages() {
  static Nowhere nowhere_buffer;
  static Objects objects_buffer;
  static std::ostream nowhere(&nowhere_buffer), objects(&objects_buffer);
  return chosen == MessageStyle::kQuiet ? nowhere : chosen == MessageStyle::kJson ? objects : std::cerr;
}

std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string event_json(std::string_view event, std::string_view text) {
  return "{\"event\": " + json_text(event) + ", \"text\": " + json_text(text) + "}";
}

}  // namespace fewstep
