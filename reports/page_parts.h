#pragma once
#include "reports/document.h"
#include "reports/figures.h"

#include <kainjow/mustache.hpp>
#include <nlohmann/json.hpp>

#include <string>
#include <string_view>

namespace fewstep {

// What every page is made of. Texts become safe here.

// The tables of a document, for a skeleton's {{#sections}}.
kainjow::mustache::data sections_of(const Document& document);
// Its notes and provenance, for {{#notes}} and {{#provenance}}.
void set_notes(kainjow::mustache::data& page, const Document& document);

// A figure as the page's charts take it.
nlohmann::ordered_json figure_json(const Figure& figure);
// Style, scripts and policy of reports/assets/page.mustache.
void set_assets(kainjow::mustache::data& page);

// 'sha256-…' of an inline script or style, for the page's policy: what is not one of ours does not run, even if
// escaping had a hole.
std::string policy_hash(std::string_view text);

// JSON that can stand in a script element: ASCII, and no "<" that could end it.
std::string script_json(const nlohmann::ordered_json& json);

// Throws std::logic_error for a skeleton of ours that is none.
std::string render_page(std::string_view skeleton, const kainjow::mustache::data& page);

}  // namespace fewstep
