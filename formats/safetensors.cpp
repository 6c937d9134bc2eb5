#include "formats/safetensors.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <numeric>
#include <unordered_set>

#include "formats/safetensors_header.h"
#include "tensor/atomic_file.h"
#include "tensor/checksum.h"

namespace minissl {
namespace {

static_assert(std::endian::native == std::endian::little, "the format is little-endian and elements are not swapped");

/// IEEE 754 binary16 to binary32, exactly.
float half_to_float(uint16_t half) {
  const uint32_t sign = static_cast<uint32_t>(half & 0x8000u) << 16;
  const uint32_t magnitude = half & 0x7fffu;
  constexpr uint32_t infinity = 0x7c00, rebias = (127 - 15) << 23;
  if (magnitude >= infinity) return std::bit_cast<float>(sign | 0x7f800000u | (magnitude - infinity) << 13);
  if (magnitude >= 0x0400) return std::bit_cast<float>(sign | ((magnitude << 13) + rebias));
  const float subnormal = static_cast<float>(magnitude) * 0x1p-24f;
  return sign ? -subnormal : subnormal;
}

constexpr int64_t piece_bytes = 1 << 18;  // a multiple of every element size

/// A function that converts pieces of Stored elements one after the other to the elements from `to` on.
template <class Stored, class Element, class Convert>
auto converter(Element* to, Convert convert) {
  return [to, convert](const std::byte* bytes, size_t count) mutable {
    const auto* stored = reinterpret_cast<const Stored*>(bytes);
    to = std::transform(stored, stored + count / sizeof(Stored), to, convert);
  };
}

/// Reads the 8 bytes of header length and the header. Returns the header and its end position.
std::pair<std::string, int64_t> read_header(const InputFile& file) {
  const std::string where = file.path().string();
  uint64_t length = 0;
  require(file.size() >= static_cast<int64_t>(sizeof length),
          "{}: is not a .safetensors file: {} bytes are too few for a header", where, file.size());
  file.read_at(0, &length, sizeof length);
  const auto behind = static_cast<uint64_t>(file.size()) - sizeof length;
  require(length <= behind, "{}: is truncated or not a .safetensors file: a header of {} bytes, but {} bytes follow",
          where, length, behind);
  require(length <= static_cast<uint64_t>(max_safetensors_header),
          "{}: is not a .safetensors file: a header of {} bytes is longer than the format's limit of {}", where, length,
          max_safetensors_header);
  std::string text(length, '\0');
  file.read_at(sizeof length, text.data(), text.size());
  return {std::move(text), static_cast<int64_t>(sizeof length + length)};
}

}  // namespace

const Tensor* TensorFile::find(std::string_view name) const {
  const auto it = std::find_if(tensors.begin(), tensors.end(), [&](const auto& named) { return named.first == name; });
  return it == tensors.end() ? nullptr : &it->second;
}

void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors, const Metadata& metadata) {
  const std::string where = path.string();
  SafetensorsHeader header;
  header.metadata = metadata;
  std::unordered_set<std::string_view> names;
  for (const auto& [name, tensor] : tensors) {
    require(name != "__metadata__", "{}: can't write: no tensor may be called __metadata__", where);
    require(names.insert(name).second, "{}: can't write: two tensors are called {}", where, quote(name));
    require(tensor.defined(), "{}: can't write: tensor {} is undefined", where, quote(name));
    const Tensor here = tensor.to(Device{});
    header.tensors.push_back({name, safetensors_name_of(tensor.dtype()), tensor.dtype(), tensor.shape(), 0, 0,
                              checksum(here.bytes_begin(), static_cast<size_t>(here.bytes()))});
  }

  std::vector<size_t> layout(tensors.size());
  std::iota(layout.begin(), layout.end(), size_t{0});
  std::stable_sort(layout.begin(), layout.end(), [&](size_t a, size_t b) {
    return size_of(tensors[a].second.dtype()) > size_of(tensors[b].second.dtype());
  });
  int64_t at = 0;
  for (const size_t i : layout) {
    header.tensors[i].begin = at;
    header.tensors[i].end = at += tensors[i].second.bytes();
  }

  const std::string text = format_safetensors_header(header, where);
  const uint64_t length = text.size();
  AtomicFile file(path);
  file.write(&length, sizeof length);
  file.write(text);
  for (const size_t i : layout) {
    const Tensor here = tensors[i].second.to(Device{});
    file.write(here.bytes_begin(), static_cast<size_t>(here.bytes()));
  }
  file.commit();
}

SafetensorsReader::SafetensorsReader(std::filesystem::path path) : file_(std::move(path)) {
  const auto [text, end] = read_header(file_);
  data_begin_ = end;
  SafetensorsHeader header = parse_safetensors_header(text, file_.size() - data_begin_, file_.path().string());
  metadata_ = std::move(header.metadata);
  tensors_ = std::move(header.tensors);
  for (size_t i = 0; i < tensors_.size(); ++i) index_.emplace(tensors_[i].name, i);
  has_checksums_ = header.has_checksums;
}

const StoredTensor& SafetensorsReader::find(const std::string& name) const {
  const auto it = index_.find(name);
  require(it != index_.end(), "{}: holds no tensor {}", path().string(), quote(name));
  return tensors_[it->second];
}

template <class Use>
bool SafetensorsReader::read_pieces(const StoredTensor& stored, Use&& use) const {
  std::vector<std::byte> piece(static_cast<size_t>(std::min(piece_bytes, stored.end - stored.begin)));
  Checksum sum;
  for (int64_t at = stored.begin; at < stored.end; at += piece_bytes) {
    const auto count = static_cast<size_t>(std::min(piece_bytes, stored.end - at));
    file_.read_at(data_begin_ + at, piece.data(), count);
    sum.add(piece.data(), count);
    use(piece.data(), count);
  }
  return !stored.checksum || *stored.checksum == sum.value();
}

Tensor SafetensorsReader::read(const std::string& name) const {
  const StoredTensor& stored = find(name);
  Tensor tensor = Tensor::empty(stored.shape, stored.dtype);
  std::byte* to = tensor.bytes_begin();
  const auto copy = [&](const std::byte* bytes, size_t count) { to = std::copy_n(bytes, count, to); };
  bool intact = false;
  if (stored.stored_as == "F16")
    intact = read_pieces(stored, converter<uint16_t>(tensor.mutable_data<float>(), half_to_float));
  else if (stored.stored_as == "I32")
    intact = read_pieces(stored, converter<int32_t>(tensor.mutable_data<int64_t>(), std::identity()));
  else
    intact = read_pieces(stored, copy);
  require(intact, "{}: tensor {} is damaged: its checksum differs; use another checkpoint", path().string(),
          quote(name));
  return tensor;
}

void SafetensorsReader::verify() const {
  std::vector<std::string> damaged;
  for (const StoredTensor& stored : tensors_)
    if (!read_pieces(stored, [](const std::byte*, size_t) {})) damaged.push_back(quote(stored.name));
  require(damaged.empty(),
          "{}: of {} tensors, {} are damaged, because their checksums differ: {}; use another checkpoint",
          path().string(), tensors_.size(), damaged.size(), fmt::join(damaged, ", "));
}

TensorFile load_safetensors(const std::filesystem::path& path) {
  const SafetensorsReader reader(path);
  TensorFile file;
  file.metadata = reader.metadata();
  for (const StoredTensor& stored : reader.tensors()) file.tensors.emplace_back(stored.name, reader.read(stored.name));
  return file;
}

}  // namespace minissl
