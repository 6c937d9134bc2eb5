#pragma once
#include <string_view>

/// Files embedded in the binary (embed.cmake).
namespace minissl::assets {

std::string_view chart_js();  ///< Chart.js, minified
std::string_view page_html();
std::string_view page_css();
std::string_view page_js();
std::string_view font();  ///< TrueType

}  // namespace minissl::assets
