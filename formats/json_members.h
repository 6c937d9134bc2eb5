#pragma once
#include <functional>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

namespace minissl {

/// Calls `use(key, value)` for each member of the JSON object `text`, in its order. One value is in memory at a time,
/// and the time is linear in the length of the text, but for the logarithm of looking up keys.
/// JSON allows repeated keys, of which parsers pick one, so two programs can read the same file differently: repeated
/// keys are errors here. So are objects and arrays nested deeper than `deepest`. Throws Error that begins with `where`.
void for_each_member(std::string_view text, int deepest, const std::string& where,
                     const std::function<void(const std::string&, const nlohmann::json&)>& use);

}  // namespace minissl
