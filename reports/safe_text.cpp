#include "reports/safe_text.h"

#include <fmt/format.h>
#include <utf8proc.h>

#include <algorithm>
#include <functional>
#include <map>

namespace fewstep {
namespace {

constexpr std::string_view kReplacement = "\xEF\xBF\xBD";

// Calls visit with each code point and its bytes; broken bytes come as U+FFFD, one at a time.
void for_each_character(std::string_view text, const std::function<void(utf8proc_int32_t, std::string_view)>& visit) {
  const auto* bytes = reinterpret_cast<const utf8proc_uint8_t*>(text.data());
  for (std::size_t at = 0; at < text.size();) {
    utf8proc_int32_t point = 0;
    const auto length = utf8proc_iterate(bytes + at, static_cast<utf8proc_ssize_t>(text.size() - at), &point);
    if (length <= 0) {
      visit(0xfffd, kReplacement);
      ++at;
    } else {
      visit(point, text.substr(at, static_cast<std::size_t>(length)));
      at += static_cast<std::size_t>(length);
    }
  }
}

// Cc, Cf (bidirectional overrides, zero-width characters), line and paragraph separators, private and unassigned ones.
bool is_hidden(utf8proc_int32_t point) {
  switch (utf8proc_category(point)) {
    case UTF8PROC_CATEGORY_CC:
    case UTF8PROC_CATEGORY_CF:
    case UTF8PROC_CATEGORY_ZL:
    case UTF8PROC_CATEGORY_ZP:
    case UTF8PROC_CATEGORY_CO:
    case UTF8PROC_CATEGORY_CN:
      return true;
    default:
      return false;
  }
}

std::string visible(utf8proc_int32_t point) {
  if (point == '\n') return "\\n";
  if (point == '\t') return "\\t";
  if (point == '\r') return "\\r";
  if (point < 0x100) return fmt::format("\\x{:02x}", point);
  return fmt::format("\\u{:04x}", point);
}

// Commands, characters that the default font lacks, and a bracket, which after the end of a row would be a length.
const std::map<utf8proc_int32_t, std::string_view> kLatex{{'\\', "\\textbackslash{}"},
                                                          {'{', "\\{"},
                                                          {'}', "\\}"},
                                                          {'$', "\\$"},
                                                          {'&', "\\&"},
                                                          {'#', "\\#"},
                                                          {'%', "\\%"},
                                                          {'_', "\\_"},
                                                          {'^', "\\textasciicircum{}"},
                                                          {'~', "\\textasciitilde{}"},
                                                          {'<', "\\textless{}"},
                                                          {'>', "\\textgreater{}"},
                                                          {'|', "\\textbar{}"},
                                                          {'[', "{[}"},
                                                          {']', "{]}"},
                                                          {0xa0, "~"},
                                                          {0xb1, "$\\pm$"},
                                                          {0xb7, "$\\cdot$"},
                                                          {0xd7, "$\\times$"},
                                                          {0x3c9, "$\\omega$"},
                                                          {0x2013, "--"},
                                                          {0x2014, "---"},
                                                          {0x2026, "\\ldots{}"},
                                                          {0x2212, "$-$"},
                                                          {0x2191, "$\\uparrow$"},
                                                          {0x2193, "$\\downarrow$"},
                                                          {0x221e, "$\\infty$"}};

}  // namespace

std::string one_line(std::string_view text) {
  std::string line;
  for_each_character(text, [&](utf8proc_int32_t point, std::string_view bytes) {
    if (is_hidden(point)) {
      line += visible(point);
    } else {
      line += bytes;
    }
  });
  return line;
}

std::string many_lines(std::string_view text) {
  std::string lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines += one_line(text.substr(0, end > 0 && text[end - 1] == '\r' ? end - 1 : end)) + "\n";
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

std::string markdown_text(std::string_view text) {
  std::string escaped;
  for (const char c : one_line(text)) {
    switch (c) {
      case '&':
        escaped += "&amp;";
        break;
      case '<':
        escaped += "&lt;";
        break;
      case '>':
        escaped += "&gt;";
        break;
      case '\\':
      case '|':
      case '`':
      case '*':
      case '_':
      case '[':
      case ']':
      case '#':
      case '~':
      case '!':
        escaped += '\\';
        escaped += c;
        break;
      case '@':
        escaped += "&#64;";
        break;  // would notify people in a pull request
      default:
        escaped += c;
    }
  }
  return escaped;
}

std::string latex_text(std::string_view text) {
  std::string escaped;
  const std::string line = one_line(text);
  for_each_character(line, [&](utf8proc_int32_t point, std::string_view bytes) {
    const auto known = kLatex.find(point);
    if (known != kLatex.end()) {
      escaped += known->second;
    } else if (point < 0x80 || (point >= 0xc0 && point <= 0x17f && point != 0x149)) {
      escaped += bytes;
    } else {
      escaped += fmt::format("{{[}}U+{:04X}{{]}}", point);
    }
  });
  return escaped;
}

std::string csv_text(std::string_view text) {
  std::string field;
  for_each_character(text, [&](utf8proc_int32_t point, std::string_view bytes) {
    if (is_hidden(point) && point != '\n' && point != '\r') {
      field += visible(point);
    } else {
      field += bytes;
    }
  });
  if (!field.empty() && std::string_view("=+-@").find(field.front()) != std::string_view::npos) field.insert(0, "'");
  if (field.find_first_of(",\"\r\n") == std::string::npos) return field;
  std::string quoted = "\"";
  for (const char c : field) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

int display_width(std::string_view text) {
  int width = 0;
  for_each_character(text, [&](utf8proc_int32_t point, std::string_view) { width += utf8proc_charwidth(point); });
  return width;
}

std::string shortened(std::string_view text, int width) {
  if (display_width(text) <= width) return std::string(text);
  std::string kept;
  int used = 1;  // of "…"
  bool full = false;
  for_each_character(text, [&](utf8proc_int32_t point, std::string_view bytes) {
    full = full || used + utf8proc_charwidth(point) > width;
    if (full) return;
    used += utf8proc_charwidth(point);
    kept += bytes;
  });
  return kept + "…";
}

std::string shortened_in_the_middle(std::string_view text, int width) {
  const int all = display_width(text);
  if (all <= width) return std::string(text);
  const int left = (width - 1) / 2, right = width - 1 - left;
  std::string begin, end;
  int used = 0;
  for_each_character(text, [&](utf8proc_int32_t point, std::string_view bytes) {
    const int next = used + utf8proc_charwidth(point);
    if (next <= left) begin += bytes;
    if (used >= all - right) end += bytes;
    used = next;
  });
  return begin + "…" + end;
}

}  // namespace fewstep
