#pragma once
#include <filesystem>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tensor/input_file.h"
#include "tensor/tensor.h"

/// The .safetensors format (https://huggingface.co/docs/safetensors): 8 bytes of little-endian header length, a JSON
/// header {name: {dtype, shape, data_offsets: [begin, end]}, "__metadata__": {string: string}}, then the elements of
/// all tensors, row-major and little-endian, without gaps.
namespace minissl {

using NamedTensors = std::vector<std::pair<std::string, Tensor>>;
using Metadata = std::map<std::string, std::string>;

/// The content of a .safetensors file; tensors in the order of the header.
struct TensorFile {
  NamedTensors tensors;
  Metadata metadata;

  /// Null if there is no tensor of that name.
  const Tensor* find(std::string_view name) const;
};

/// Writes tensors (on the CPU, any element type); the file appears whole or not at all, and its bytes depend on the
/// arguments alone. The header lists the tensors in the order given. Their elements are laid out by decreasing element
/// size, as in the official library, so that every tensor is aligned and PyTorch can map it. The metadata have
/// checksums of the header and of every tensor. SafetensorsReader checks them and leaves them out of metadata().
/// Throws Error for an undefined tensor, a duplicate name, text that isn't UTF-8, and if writing fails.
void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors, const Metadata& metadata = {});

/// What a header says about one tensor.
struct StoredTensor {
  std::string name;
  std::string stored_as;     ///< the file's name for the element type, such as "F16"
  DType dtype = DType::f32;  ///< element type after reading: F16 becomes f32, I32 becomes i64, BOOL becomes u8
  Shape shape;
  int64_t begin = 0, end = 0;             ///< byte offsets after the header
  std::optional<uint64_t> checksum = {};  ///< XXH3-64 of its bytes, in files of save_safetensors
};

/// Reads the header of a file, and single tensors on request. Nothing in the file is trusted: the constructor throws
/// Error with the file, the tensor and the reason for any defect of the header, before a tensor is read. It takes time
/// in proportion to the header's length.
class SafetensorsReader {
 public:
  explicit SafetensorsReader(std::filesystem::path path);

  const std::filesystem::path& path() const { return file_.path(); }
  const Metadata& metadata() const { return metadata_; }
  /// In the order of the header.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  bool contains(const std::string& name) const { return index_.contains(name); }
  /// What the header says about a tensor. Throws Error if there is no tensor of that name.
  const StoredTensor& find(const std::string& name) const;
  /// A tensor's elements, on the CPU. Throws Error if there is no tensor of that name, or if its bytes differ from its
  /// checksum.
  Tensor read(const std::string& name) const;
  /// Whether the file has checksums; those of other programs have none.
  bool has_checksums() const { return has_checksums_; }
  /// Reads the whole file, a piece at a time. Throws Error naming all tensors that differ from their checksums.
  void verify() const;

 private:
  /// Calls use(bytes, count) for consecutive pieces of a tensor's bytes. Returns whether they agree with its checksum.
  template <class Use>
  bool read_pieces(const StoredTensor& stored, Use&& use) const;

  InputFile file_;
  int64_t data_begin_ = 0;
  Metadata metadata_;
  std::vector<StoredTensor> tensors_;
  std::map<std::string, size_t> index_;
  bool has_checksums_ = false;
};

/// Reads a whole file. Throws Error like SafetensorsReader.
TensorFile load_safetensors(const std::filesystem::path& path);

}  // namespace minissl
