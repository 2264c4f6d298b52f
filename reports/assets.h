#pragma once
#include <string_view>

namespace fewstep::assets {

// The files of reports/assets/ and Chart.js (MIT), as cmake/Embed.cmake compiles them in.
extern const std::string_view kPage;     // mustache
extern const std::string_view kStyle;    // CSS
extern const std::string_view kScript;   // our JavaScript: assets/*.js one after the other
extern const std::string_view kChartJs;  // Debian's libjs-chart.js

}  // namespace fewstep::assets
