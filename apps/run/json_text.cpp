#include "apps/run/json_text.h"

#include "tensor/utf8.h"

namespace minissl {
namespace {

using Json = nlohmann::ordered_json;

Json with_utf8(const Json& json) {
  if (json.is_string()) return as_utf8(json.get_ref<const std::string&>());
  if (json.is_array()) {
    Json array = Json::array();
    for (const Json& element : json) array.push_back(with_utf8(element));
    return array;
  }
  if (json.is_object()) {
    Json object = Json::object();
    // Not object[key], which looks for the key among all before it.
    auto& members = object.get_ref<Json::object_t&>();
    for (const auto& [key, value] : json.items()) members.push_back({as_utf8(key), with_utf8(value)});
    return object;
  }
  return json;
}

}  // namespace

std::string json_text(const Json& json) { return with_utf8(json).dump(); }

}  // namespace minissl
