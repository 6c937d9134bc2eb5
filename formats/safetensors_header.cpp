#include "formats/safetensors_header.h"

#include <algorithm>
#include <array>
#include <iterator>
#include <nlohmann/json.hpp>

#include "formats/json_members.h"
#include "formats/safetensors_checksums.h"

namespace minissl {
namespace {

using nlohmann::json;

struct ElementType {
  const char* name;
  int64_t size;  // in bytes, in the file
  DType read_as;
};
// An element type that can be written precedes the types that are only read as it.
constexpr std::array element_types = {ElementType{"F64", 8, DType::f64},   ElementType{"F32", 4, DType::f32},
                                      ElementType{"BF16", 2, DType::bf16}, ElementType{"I64", 8, DType::i64},
                                      ElementType{"U8", 1, DType::u8},     ElementType{"F16", 2, DType::f32},
                                      ElementType{"I32", 4, DType::i64},   ElementType{"BOOL", 1, DType::u8}};

const ElementType* find_element_type(std::string_view name) {
  const auto* it =
      std::find_if(element_types.begin(), element_types.end(), [&](const auto& t) { return t.name == name; });
  return it == element_types.end() ? nullptr : it;
}

Metadata parse_metadata(const json& value, const std::string& where) {
  require(value.is_object(), "{}: __metadata__ is not an object", where);
  Metadata metadata;
  for (const auto& [key, text] : value.items()) {
    require(text.is_string(), "{}: __metadata__ {} is not a string", where, quote(key));
    metadata.emplace(key, text.get<std::string>());
  }
  return metadata;
}

/// Parses the array of sizes `field` in a tensor's description.
std::vector<int64_t> parse_sizes(const json& description, const char* field, const std::string& where) {
  const auto it = description.find(field);
  require(it != description.end() && it->is_array(), "{}: has no array {}", where, field);
  std::vector<int64_t> sizes;
  for (const json& value : *it) {
    require(value.is_number_unsigned() && value.get<uint64_t>() <= INT64_MAX, "{}: {} holds {}, not a size", where,
            field, value.is_number() ? value.dump() : value.type_name());
    sizes.push_back(value.get<int64_t>());
  }
  return sizes;
}

StoredTensor parse_tensor(const std::string& name, const json& description, const std::string& where) {
  require(description.is_object(), "{}: is described by a JSON {}, not an object", where, description.type_name());
  const auto dtype = description.find("dtype");
  require(dtype != description.end() && dtype->is_string(), "{}: has no dtype", where);
  const auto& type_name = dtype->get_ref<const std::string&>();
  const ElementType* type = find_element_type(type_name);
  require(type != nullptr, "{}: dtype {} is not supported; convert it to F32", where, quote(type_name));

  const std::vector<int64_t> shape = parse_sizes(description, "shape", where);
  require(shape.size() <= Shape::max_rank, "{}: has {} dimensions, at most {} are supported", where, shape.size(),
          Shape::max_rank);
  int64_t bytes = type->size;
  for (const int64_t extent : shape)
    require(!__builtin_mul_overflow(bytes, extent, &bytes), "{}: shape [{}] is too large", where,
            fmt::join(shape, ", "));

  const std::vector<int64_t> offsets = parse_sizes(description, "data_offsets", where);
  require(offsets.size() == 2 && offsets[0] <= offsets[1], "{}: data_offsets [{}] are not a begin and an end", where,
          fmt::join(offsets, ", "));
  require(offsets[1] - offsets[0] == bytes, "{}: {}[{}] takes {} bytes, but data_offsets [{}] are {} apart", where,
          type->name, fmt::join(shape, ", "), bytes, fmt::join(offsets, ", "), offsets[1] - offsets[0]);
  return {name, type->name, type->read_as, Shape(shape.begin(), shape.end()), offsets[0], offsets[1], {}};
}

void require_exact_cover(const std::vector<StoredTensor>& tensors, int64_t data_bytes, const std::string& where) {
  std::vector<const StoredTensor*> by_offset;
  std::transform(tensors.begin(), tensors.end(), std::back_inserter(by_offset), [](const auto& t) { return &t; });
  std::sort(by_offset.begin(), by_offset.end(), [](const StoredTensor* a, const StoredTensor* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  int64_t covered = 0;
  for (const StoredTensor* t : by_offset) {
    require(t->end <= data_bytes, "{}: tensor {} ends at byte {} of the data, but the file holds {}: it is truncated",
            where, quote(t->name), t->end, data_bytes);
    require(t->begin >= covered, "{}: tensor {} begins at byte {} of the data, inside the one before, which ends at {}",
            where, quote(t->name), t->begin, covered);
    require(t->begin == covered, "{}: tensor {} begins at byte {} of the data, but the one before ends at {}: a gap",
            where, quote(t->name), t->begin, covered);
    covered = t->end;
  }
  require(covered == data_bytes, "{}: {} bytes after the last tensor belong to none", where, data_bytes - covered);
}

}  // namespace

std::string quote(std::string_view name) {
  constexpr size_t longest = 200;
  std::string text = json(name.substr(0, longest)).dump(-1, ' ', false, json::error_handler_t::replace);
  return name.size() > longest ? text + "..." : text;
}

const char* safetensors_name_of(DType type) {
  return std::find_if(element_types.begin(), element_types.end(), [&](const auto& t) { return t.read_as == type; })
      ->name;
}

SafetensorsHeader parse_safetensors_header(std::string_view text, int64_t data_bytes, const std::string& where) {
  constexpr int deepest = 3;  // header, tensor, shape
  SafetensorsHeader header;
  for_each_member(text, deepest, where, [&](const std::string& key, const json& value) {
    if (key == "__metadata__")
      header.metadata = parse_metadata(value, where);
    else
      header.tensors.push_back(parse_tensor(key, value, fmt::format("{}: tensor {}", where, quote(key))));
  });
  take_checksums(text, header, where);
  require_exact_cover(header.tensors, data_bytes, where);
  return header;
}

std::string format_safetensors_header(const SafetensorsHeader& header, const std::string& where) {
  std::vector<std::string> members;
  try {
    members.push_back(fmt::format(R"("__metadata__":{})", json(with_checksums(header, where)).dump()));
    for (const StoredTensor& t : header.tensors)
      members.push_back(fmt::format(R"({}:{{"dtype":"{}","shape":[{}],"data_offsets":[{},{}]}})", json(t.name).dump(),
                                    t.stored_as, fmt::join(t.shape, ","), t.begin, t.end));
  } catch (const json::exception&) {
    fail("{}: can't write: a tensor's name or a metadata text is not valid UTF-8", where);
  }
  std::string text = fmt::format("{{{}}}", fmt::join(members, ","));
  text.append((8 - text.size() % 8) % 8, ' ');
  seal_header(text);
  require(static_cast<int64_t>(text.size()) <= max_safetensors_header,
          "{}: can't write: names and metadata take {} bytes, the format allows {}", where, text.size(),
          max_safetensors_header);
  return text;
}

}  // namespace minissl
