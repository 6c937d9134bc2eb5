#include "data/dataset.h"

#include <charconv>
#include <filesystem>
#include <string_view>

#include "data/sources/image_folder.h"
#include "data/sources/pack.h"
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

}  // namespace

std::unique_ptr<Dataset> open_dataset(const std::string& spec, int channels, uint64_t seed, int max_value) {
  require(channels == 1 || channels == 3, "`channels` must be 1 or 3, not {}", channels);
  if (spec.starts_with(synth_prefix)) return open_synth(spec, channels, seed);
  const std::filesystem::path path = std::u8string(spec.begin(), spec.end());
  const auto status = std::filesystem::status(path);
  if (std::filesystem::is_directory(status)) return std::make_unique<ImageFolder>(spec, channels, max_value);
  require(std::filesystem::exists(status), "data '{}': no such folder", spec);
  if (is_pack(path)) return std::make_unique<PackFile>(path, channels);
  fail("data '{}': neither a folder of images nor a pack of them nor synth:N", spec);
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

Loaded try_load(const Dataset& dataset, int64_t i, int64_t channels) {
  try {
    const Image image = dataset.load(i);
    return {channels ? with_channels(image, channels) : image, {}};
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
  if (spec.starts_with(synth_prefix)) add(spec);
  return fmt::format("{} images, {:016x}", dataset.size(), sum.value());
}

}  // namespace minissl
