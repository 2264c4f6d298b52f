#pragma once
#include <iosfwd>
#include <string>
#include <string_view>

namespace fewstep {

// How a long command says what it does. lines: a line that is written over on a terminal, else one every ten seconds;
// quiet: warnings and errors alone; json: an object a line on standard error ({"event": "progress" | "message" |
// "warning" | "error", …}).
enum class MessageStyle { kLines, kQuiet, kJson };
void set_message_style(MessageStyle style);  // of this process, before anything is said
MessageStyle message_style();

// What is told beside results: standard error, nowhere, or standard error a line an object. Of one thread at a time.
std::ostream& messages();

// A JSON object of an event and its text, without a line end. Broken UTF-8 becomes U+FFFD.
std::string event_json(std::string_view event, std::string_view text);
std::string json_text(std::string_view text);  // quoted

}  // namespace fewstep
