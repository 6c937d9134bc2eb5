#pragma once
#include <nlohmann/json.hpp>
#include <string>

namespace minissl {

/// JSON on one line. The one way to print or log JSON: names of files and reasons from libraries may have bytes that
/// aren't UTF-8, of which nlohmann-json would make an exception. They become text by as_utf8 (tensor/utf8.h).
std::string json_text(const nlohmann::ordered_json& json);

}  // namespace minissl
