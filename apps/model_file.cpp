#include "apps/model_file.h"

#include <charconv>

#include "nn/state_file.h"

namespace minissl {
namespace {

std::string join(const std::array<float, 3>& values, int64_t channels) {
  return fmt::format("{}", fmt::join(values.begin(), values.begin() + channels, ","));
}

std::array<float, 3> split(const std::string& text, int64_t channels, const std::string& where) {
  std::array<float, 3> values{};
  const char *at = text.data(), *end = at + text.size();
  for (int64_t c = 0; c < channels; ++c) {
    const auto [next, error] = std::from_chars(at, end, values[static_cast<size_t>(c)]);
    require(error == std::errc() && (next == end || *next == ','), "{}: the metadata \"{}\" are not {} numbers", where,
            text, channels);
    at = next == end ? end : next + 1;
  }
  return values;
}

}  // namespace

Metadata describe(const NetworkFlags& network, const Normalization& normalization, const MethodFlags& method,
                  int64_t epochs, Content content) {
  Metadata metadata{{"format", "minissl"},
                    {"arch", network.arch},
                    {"stem", network.stem},
                    {"width", std::to_string(network.width)},
                    {"channels", std::to_string(network.channels)},
                    {"size", std::to_string(network.size)},
                    {"mean", join(normalization.mean, network.channels)},
                    {"std", join(normalization.std, network.channels)},
                    {"method", method.method()},
                    {"epochs", std::to_string(epochs)}};
  if (content == Content::method) metadata["flags"] = method.to_toml();
  return metadata;
}

ModelDescription read_description(const SafetensorsReader& file, const NetworkFlags& otherwise) {
  ModelDescription d;
  d.network = otherwise;
  d.normalization = Normalization::imagenet(otherwise.channels);
  const Metadata& metadata = file.metadata();
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != "minissl") return d;
  const std::string where = file.path().string();
  try {
    d.network.arch = metadata.at("arch");
    d.network.stem = metadata.at("stem");
    // Older files were all 64 wide.
    d.network.width = metadata.contains("width") ? std::stoll(metadata.at("width")) : 64;
    d.network.channels = std::stoll(metadata.at("channels"));
    d.network.size = std::stoll(metadata.at("size"));
    d.epochs = std::stoll(metadata.at("epochs"));
    require(d.network.channels == 1 || d.network.channels == 3, "{}: the metadata speak of {} channels", where,
            d.network.channels);
    require(d.network.width > 0, "{}: the metadata speak of a width of {}", where, d.network.width);
    d.normalization.mean = split(metadata.at("mean"), d.network.channels, where);
    d.normalization.std = split(metadata.at("std"), d.network.channels, where);
    if (metadata.contains("flags")) d.method = MethodFlags::from_toml(metadata.at("method"), metadata.at("flags"));
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    fail("{}: its metadata say that minissl wrote it, but they can't be understood ({})", where, e.what());
  }
  return d;
}

PretrainedEncoder::PretrainedEncoder(ModelDescription description, uint64_t seed, DType dtype)
    : description_(std::move(description)) {
  if (description_.method) {
    method_ = description_.method->make(description_.network.options(), seed, dtype);
  } else {
    backbone_ = std::make_unique<ResNet>(description_.network.options());
    backbone_->to(dtype);
    backbone_->initialize(seed);
  }
}

PretrainedEncoder::PretrainedEncoder(const std::filesystem::path& path, const NetworkFlags& otherwise, DType dtype)
    : PretrainedEncoder(read_description(SafetensorsReader(path), otherwise), 0, dtype) {
  const SafetensorsReader file(path);
  if (method_)
    load_state(*method_, file);
  else
    load_state(*backbone_, file);
}

PretrainedEncoder PretrainedEncoder::untrained(const ModelDescription& description, uint64_t seed, DType dtype) {
  return PretrainedEncoder(description, seed, dtype);
}

Embedding PretrainedEncoder::embed(const Tensor& images) {
  if (method_) return method_->embed(images);
  const EvaluationScope evaluation(*backbone_);
  return {backbone_->forward(images.to(backbone_->parameters().front().tensor().device())).value(), {}};
}

}  // namespace minissl
