#pragma once
#include <string>
#include <string_view>

namespace fewstep {

// Captions, names and messages may hold anything. What these give back moves no cursor, hides nothing and ends no cell.

// One line for a terminal: control characters, escape sequences, line ends and characters that reorder or hide text
// become visible (\n, \x1b, \u202e), broken UTF-8 becomes U+FFFD. Everything else stays.
std::string one_line(std::string_view text);
// Each line of a text so, its line ends kept.
std::string many_lines(std::string_view text);
// One line with the characters that Markdown and HTML read as markup escaped.
std::string markdown_text(std::string_view text);
// The same for LaTeX with its default encodings: nothing is a command, and what pdflatex has no letter for is
// {[}U+4E2D{]}.
std::string latex_text(std::string_view text);
// A field as RFC 4180 wants it: quoted where it must be, line ends kept, other control characters made visible. A text
// that a spreadsheet would run as a formula gets a leading apostrophe.
std::string csv_text(std::string_view text);

// Columns that UTF-8 text takes on a terminal.
int display_width(std::string_view text);
// Cuts text to at most width columns and shows "…" for the rest.
std::string shortened(std::string_view text, int width);
std::string shortened_in_the_middle(std::string_view text, int width);

}  // namespace fewstep
