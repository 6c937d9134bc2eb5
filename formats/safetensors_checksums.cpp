#include "formats/safetensors_checksums.h"

#include <charconv>

#include "tensor/checksum.h"

namespace minissl {
namespace {

constexpr const char *header_key = "xxh3.header", *tensors_key = "xxh3.tensors";
constexpr size_t digits = 16;
const std::string unsealed(digits, '0');

std::string hexadecimal(uint64_t value) { return fmt::format("{:0{}x}", value, digits); }

/// Where the header's own checksum stands in its text; npos if it is not there as this file writes it.
size_t find_seal(std::string_view text) {
  const std::string before = fmt::format("\"{}\":\"", header_key);
  const size_t at = text.find(before);
  const bool whole = at != std::string_view::npos && at + before.size() + digits <= text.size();
  return whole ? at + before.size() : std::string_view::npos;
}

uint64_t checksum_of_header(std::string_view text, size_t seal) {
  Checksum sum;
  sum.add(text.data(), seal);
  sum.add(unsealed.data(), digits);
  sum.add(text.data() + seal + digits, text.size() - seal - digits);
  return sum.value();
}

bool is_intact(std::string_view text) {
  const size_t seal = find_seal(text);
  return seal != std::string_view::npos && text.substr(seal, digits) == hexadecimal(checksum_of_header(text, seal));
}

}  // namespace

Metadata with_checksums(const SafetensorsHeader& header, const std::string& where) {
  Metadata metadata = header.metadata;
  std::vector<std::string> sums;
  for (const StoredTensor& t : header.tensors) sums.push_back(hexadecimal(*t.checksum));
  const bool free = metadata.emplace(header_key, unsealed).second &&
                    metadata.emplace(tensors_key, fmt::format("{}", fmt::join(sums, " "))).second;
  require(free, "{}: can't write: the metadata names {} and {} are kept for checksums", where, header_key, tensors_key);
  return metadata;
}

void seal_header(std::string& text) {
  const size_t seal = find_seal(text);
  text.replace(seal, digits, hexadecimal(checksum_of_header(text, seal)));
}

void take_checksums(std::string_view text, SafetensorsHeader& header, const std::string& where) {
  const auto own = header.metadata.extract(header_key), of_tensors = header.metadata.extract(tensors_key);
  if (!own && !of_tensors) return;
  require(own && of_tensors && is_intact(text),
          "{}: is damaged: the checksum of its header differs; use another file (or, if another program rewrote this "
          "one, write it without the metadata {} and {})",
          where, header_key, tensors_key);
  header.has_checksums = true;
  std::string_view sums = of_tensors.mapped();
  for (StoredTensor& t : header.tensors) {
    uint64_t value = 0;
    std::from_chars(sums.data(), sums.data() + std::min(sums.size(), digits), value, 16);
    t.checksum = value;
    sums.remove_prefix(std::min(sums.size(), digits + 1));
  }
}

}  // namespace minissl
