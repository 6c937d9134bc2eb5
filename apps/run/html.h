#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/run/metrics_log.h"

namespace minissl {

/// Text to stand in an HTML element or in a quoted attribute.
std::string escape_html(std::string_view text);

/// JSON to stand in a <script> element: nothing in it can end the element or open a comment.
std::string json_in_script(const Json& json);

/// "data:image/png;base64,..."
std::string data_url(std::string_view mime_type, std::string_view bytes);

/// Replaces each {{name}} of the template by its value, in one pass: values are never searched. Throws Error for a
/// placeholder without a value.
std::string fill_template(std::string_view text,
                          const std::vector<std::pair<std::string_view, std::string_view>>& values);

}  // namespace minissl
