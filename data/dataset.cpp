#include "data/dataset.h"

#include <charconv>
#include <filesystem>
#include <string_view>

#include "data/sources/archive.h"
#include "data/sources/archive_images.h"
#include "data/sources/cifar.h"
#include "data/sources/idx.h"
#include "data/sources/image_folder.h"
#include "data/sources/joined.h"
#include "data/sources/npz.h"
#include "data/sources/pack.h"
#include "data/sources/parts.h"
#include "data/sources/synth.h"
#include "tensor/checksum.h"
#include "tensor/memory.h"

namespace minissl {
namespace {

constexpr std::string_view synth_prefix = "synth:";

// Parses all of `text` as a number of at least `least`.
template <class T>
bool parse(std::string_view text, T least, T& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() && value >= least;
}

std::unique_ptr<Dataset> open_synth(const std::string& spec, int channels, uint64_t seed) {
  int64_t count = 0, size = 128;
  std::string_view rest = std::string_view(spec).substr(synth_prefix.size());
  const auto next = [&] {
    const auto field = rest.substr(0, rest.find(':'));
    rest = field.size() == rest.size() ? std::string_view() : rest.substr(field.size() + 1);
    return field;
  };
  const bool last_is_empty = spec.back() == ':';
  bool good = !last_is_empty && parse(next(), int64_t{1}, count);
  if (good && !rest.empty()) good = parse(next(), int64_t{1}, size);
  if (good && !rest.empty()) good = parse(next(), uint64_t{0}, seed);
  require(good && rest.empty(),
          "data '{}': generated radiographs are synth:N, synth:N:SIZE or synth:N:SIZE:SEED, N from 1", spec);
  return std::make_unique<SyntheticRadiographs>(count, size, channels, seed);
}

std::unique_ptr<Dataset> open_folder(const DataPath& path, const std::string& spec, int channels, int max_value) {
  if (is_cifar(path.path)) return open_cifar(path, channels);
  if (is_idx(path.path)) return open_idx(path, channels);
  require(path.part.empty(), "data '{}': a folder of images has no parts; name the folder {} in it", spec, path.part);
  return std::make_unique<ImageFolder>(spec, channels, max_value);
}

std::unique_ptr<Dataset> open_file(const DataPath& path, const std::string& spec, int channels, int max_value) {
  if (is_pack(path.path)) {
    require(path.part.empty(), "data '{}': a pack has no parts", spec);
    return std::make_unique<PackFile>(path.path, channels);
  }
  if (is_npz(path.path)) return open_npz(path, channels);
  if (is_cifar(path.path)) return open_cifar(path, channels);
  if (is_idx(path.path)) return open_idx(path, channels);
  if (is_archive(path.path)) return std::make_unique<ArchiveImages>(path, channels, max_value);
  fail(
      "data '{}': neither a folder of images nor a pack of them nor synth:N, and no tar, zip, .npz of MedMNIST, IDX or "
      "CIFAR file",
      spec);
}

std::unique_ptr<Dataset> open_root(const std::string& spec, int channels, uint64_t seed, int max_value) {
  if (spec.starts_with(synth_prefix)) return open_synth(spec, channels, seed);
  const DataPath path = data_path(spec);
  const auto status = std::filesystem::status(path.path);
  if (std::filesystem::is_directory(status)) return open_folder(path, spec, channels, max_value);
  require(std::filesystem::exists(status), "data '{}': no such folder or file", spec);
  return open_file(path, spec, channels, max_value);
}

std::unique_ptr<Dataset> open_roots(const std::vector<std::string>& roots, int channels, uint64_t seed, int max_value) {
  if (roots.size() == 1) return open_root(roots.front(), channels, seed, max_value);
  std::vector<std::unique_ptr<Dataset>> parts;
  for (const std::string& root : roots) parts.push_back(open_root(root, channels, seed, max_value));
  return std::make_unique<JoinedDatasets>(std::move(parts), roots);
}

}  // namespace

std::unique_ptr<Dataset> open_dataset(const std::string& spec, int channels, uint64_t seed, int max_value) {
  require(channels == 1 || channels == 3, "`channels` must be 1 or 3, not {}", channels);
  std::unique_ptr<Dataset> dataset = open_roots(roots_of(spec), channels, seed, max_value);
  if (max_value == 0) dataset->set_max_value(white_level_of(*dataset));
  return dataset;
}

const std::vector<std::string>& Dataset::label_names() const {
  static const std::vector<std::string> none;
  return none;
}

const std::vector<std::string>& Dataset::remarks() const {
  static const std::vector<std::string> none;
  return none;
}

const std::vector<LeftOut>& Dataset::left_out() const {
  static const std::vector<LeftOut> none;
  return none;
}

Loaded try_load(const Dataset& dataset, int64_t i, int64_t channels, const std::function<void(Image&)>& prepare) {
  try {
    Image image = dataset.load(i);
    if (channels) image = with_channels(image, channels);
    if (prepare) prepare(image);
    return {image, {}};
  } catch (const OutOfMemory&) {
    throw;
  } catch (const std::bad_alloc&) {
    throw OutOfMemory(fmt::format("there is no memory to decode {}", dataset.name(i)), 0);
  } catch (const ImageError& error) {
    return {{}, error.reason()};
  } catch (const std::exception& error) {
    return {{}, error.what()};
  }
}

std::string identity_of(const Dataset& dataset, const std::string& spec) {
  Checksum sum;
  const auto add = [&](const std::string& text) { sum.add(text.c_str(), text.size() + 1); };
  for (const std::string& name : dataset.class_names()) add(name);
  for (int64_t i = 0; i < dataset.size(); ++i) {
    add(dataset.name(i));
    const int64_t label = dataset.label(i);
    sum.add(&label, sizeof label);
  }
  if (spec.find(synth_prefix) != std::string::npos) add(spec);
  return fmt::format("{} images, {:016x}", dataset.size(), sum.value());
}

std::string sizes_of(const Dataset& dataset) {
  Checksum sum;
  for (int64_t i = 0; i < dataset.size(); ++i) {
    const int64_t bytes = dataset.bytes(i);
    sum.add(&bytes, sizeof bytes);
  }
  return fmt::format("{:016x}", sum.value());
}

}  // namespace minissl
