#pragma once
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "formats/input_file.h"
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

  /// Null when there is no tensor of that name.
  const Tensor* find(std::string_view name) const;
};

/// Writes tensors (on the CPU, any element type) so that the file appears whole or not at all; the bytes are a function
/// of the arguments alone. The header lists the tensors in the order given; their elements are laid out by falling
/// element size, as the official library does, so that every tensor is aligned and PyTorch can map it.
/// Throws Error for an undefined tensor, a name that occurs twice, text that isn't UTF-8, and when writing fails.
void save_safetensors(const std::filesystem::path& path, const NamedTensors& tensors, const Metadata& metadata = {});

/// What a header says about one tensor.
struct StoredTensor {
  std::string name;
  std::string stored_as;     ///< the file's name for the element type, like "F16"
  DType dtype = DType::f32;  ///< the element type it is read as: F16 becomes f32, I32 becomes i64, BOOL becomes u8
  Shape shape;
  int64_t begin = 0, end = 0;  ///< bytes after the header
};

/// Reads the header of a file, and single tensors when asked. Nothing in the file is trusted: whatever is wrong with
/// it throws Error with the file, the tensor and what is wrong, before any tensor is read.
class SafetensorsReader {
 public:
  explicit SafetensorsReader(std::filesystem::path path);

  const std::filesystem::path& path() const { return file_.path(); }
  const Metadata& metadata() const { return metadata_; }
  /// In the order of the header.
  const std::vector<StoredTensor>& tensors() const { return tensors_; }
  bool contains(const std::string& name) const { return index_.contains(name); }
  /// A tensor's elements, on the CPU. Throws Error when there is no tensor of that name.
  Tensor read(const std::string& name) const;

 private:
  InputFile file_;
  int64_t data_begin_ = 0;
  Metadata metadata_;
  std::vector<StoredTensor> tensors_;
  std::unordered_map<std::string, size_t> index_;
};

/// Reads a whole file. Throws Error as SafetensorsReader does.
TensorFile load_safetensors(const std::filesystem::path& path);

}  // namespace minissl
