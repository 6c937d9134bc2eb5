#pragma once
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "apps/run/metrics_log.h"

namespace minissl {

/// Escapes text for an HTML element or a quoted attribute.
std::string escape_html(std::string_view text);

/// Escapes JSON for a <script> element: it can't end the element or open a comment.
std::string json_in_script(const Json& json);

/// "data:image/png;base64,..."
std::string data_url(std::string_view mime_type, std::string_view bytes);

/// Replaces each {{name}} in the template by its value in one pass, so that placeholders in values stay as they are.
/// Throws Error for a placeholder without a value.
std::string fill_template(std::string_view text,
                          const std::vector<std::pair<std::string_view, std::string_view>>& values);

}  // namespace minissl
