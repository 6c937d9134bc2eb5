#include "apps/model_file.h"

#include <charconv>
#include <cmath>

#include "data/white_level.h"
#include "nn/state_file.h"
#include "tensor/dry_run.h"

namespace minissl {
namespace {

constexpr int64_t largest_size = 8192;  // as in data/loader.h

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

Content content_of(const SafetensorsReader& file) {
  const Metadata& metadata = file.metadata();
  // Older files don't state their content; if they have flags, it is a method.
  const auto content = metadata.find("content");
  if (content == metadata.end()) return metadata.contains("flags") ? Content::method : Content::backbone;
  require(content->second == "backbone" || content->second == "method",
          "{}: it holds a {}, not an encoder; backbone.safetensors beside it does", file.path().string(),
          content->second);
  return content->second == "method" ? Content::method : Content::backbone;
}

// Older files store the backbone's batch normalisation among the method's flags.
void move_old_flags(Metadata& metadata) {
  const auto flags = metadata.find("flags");
  if (flags == metadata.end()) return;
  std::string& lines = flags->second;
  const size_t begin = lines.find("bn = \"");
  if (begin == std::string::npos || (begin > 0 && lines[begin - 1] != '\n')) return;
  const size_t value = begin + 6, end = lines.find('\n', begin);
  metadata["bn"] = lines.substr(value, lines.find('"', value) - value);
  lines.erase(begin, end == std::string::npos ? end : end + 1 - begin);
}

}  // namespace

Metadata describe(const ModelDescription& model, Content content) {
  const NetworkFlags& network = model.network;
  Metadata metadata{{"format", "minissl"},
                    {"content", content == Content::method ? "method" : "backbone"},
                    {"arch", network.arch},
                    {"channels", std::to_string(network.channels)},
                    {"size", std::to_string(network.size)},
                    {"mean", join(model.normalization.mean, network.channels)},
                    {"std", join(model.normalization.std, network.channels)},
                    {"method", model.method->method()},
                    {"flags", model.method->to_toml()},
                    {"seed", std::to_string(model.seed)},
                    {"epochs", std::to_string(model.epochs)},
                    {"max_value", std::to_string(model.max_value)}};
  for (const auto& [option, value] : network.options()) metadata.emplace(option, value);
  return metadata;
}

namespace {

// Throws Error for a flag that was given and contradicts the file.
void check_given(const NetworkFlags& given, const NetworkFlags& in_file, const std::string& where) {
  const auto options = given.options(), file_options = in_file.options();
  require(!given.given.contains("arch") || given.arch == in_file.arch, "{}: it holds {}, not {}; leave --arch out",
          where, in_file.arch, given.arch);
  for (const std::string& flag : given.given) {
    if (flag == "size" || flag == "arch" || flag == "pool") continue;
    const auto value_in = [&](const NetworkFlags& network, const auto& of_family) -> std::string {
      if (flag == "channels") return std::to_string(network.channels);
      const auto found = of_family.find(flag);
      return found == of_family.end() ? "" : found->second;
    };
    const std::string wanted = value_in(given, options), is = value_in(in_file, file_options);
    require(!is.empty(), "{}: it holds {}, which has no --{}; leave that out", where, in_file.arch, flag);
    require(wanted == is, "{}: its network has {} {}, not {}; leave --{} out", where, flag, is, wanted, flag);
  }
}

// The images of a Vision Transformer in a file of timm, from its positions, (1, 1 + grid^2, width); 0: it is none.
int64_t size_in_positions(const SafetensorsReader& file, const NetworkFlags& network) {
  const auto options = network.options();
  const auto patch = options.find("patch");
  if (patch == options.end() || !file.contains("pos_embed")) return 0;
  const Shape& positions = file.find("pos_embed").shape;
  if (positions.rank() != 3 || positions[1] < 2) return 0;
  return static_cast<int64_t>(std::lround(std::sqrt(positions[1] - 1))) * std::stoll(patch->second);
}

MethodFlags method_in(const Metadata& metadata, const std::string& where) {
  try {
    return MethodFlags::from_toml(metadata.at("method"), metadata.at("flags"));
  } catch (const Error& e) {
    fail("{}: the network that it is for can't be made: {}", where, e.what());
  }
}

}  // namespace

Normalization read_normalization(const Metadata& metadata, int64_t channels, const std::string& where) {
  return {split(metadata.at("mean"), channels, where), split(metadata.at("std"), channels, where)};
}

ModelDescription read_description(const SafetensorsReader& file, const NetworkFlags& otherwise) {
  ModelDescription d;
  d.network = otherwise;
  d.normalization = Normalization::imagenet(otherwise.channels);
  Metadata metadata = file.metadata();
  d.network.adapt_to(file);
  const auto format = metadata.find("format");
  if (format == metadata.end() || format->second != "minissl") {
    d.network.built_size = size_in_positions(file, d.network);
    return d;
  }
  const std::string where = file.path().string();
  move_old_flags(metadata);
  try {
    d.network = NetworkFlags(metadata.at("arch"));
    d.network.set_options(metadata, where);
    d.network.adapt_to(file);
    d.network.channels = std::stoll(metadata.at("channels"));
    d.network.size = std::stoll(metadata.at("size"));
    d.epochs = std::stoll(metadata.at("epochs"));
    require(d.network.size > 0 && d.network.size <= largest_size, "{}: the metadata speak of images of {} pixels",
            where, d.network.size);
    require(d.network.channels == 1 || d.network.channels == 3, "{}: the metadata speak of {} channels", where,
            d.network.channels);
    d.normalization = read_normalization(metadata, d.network.channels, where);
    check_given(otherwise, d.network, where);
    if (otherwise.given.contains("size")) {
      d.network.built_size = d.network.size;
      d.network.size = otherwise.size;
    }
    if (otherwise.given.contains("pool")) d.network.set_options({{"pool", otherwise.options().at("pool")}}, where);
    // Older files have no seed and no white level, and only checkpoints have flags.
    if (metadata.contains("seed")) d.seed = std::stoull(metadata.at("seed"));
    if (metadata.contains("max_value")) d.max_value = std::stoi(metadata.at("max_value"));
    require(0 <= d.max_value && d.max_value <= white_levels.back(), "{}: the metadata say that white is {}", where,
            d.max_value);
    if (metadata.contains("flags")) d.method = method_in(metadata, where);
  } catch (const Error&) {
    throw;
  } catch (const std::exception& e) {
    fail("{}: its metadata say that minissl wrote it, but they can't be understood ({})", where, e.what());
  }
  return d;
}

PretrainedEncoder::PretrainedEncoder(ModelDescription description, Content content, DType dtype)
    : description_(std::move(description)) {
  const NetworkFlags& network = description_.network;
  if (content == Content::method) {
    method_ = description_.method->make(network, description_.seed, dtype);
  } else {
    backbone_ = network.config().make();
    backbone_->to(dtype);
    backbone_->initialize(description_.seed);
  }
  module().eval();
}

Module& PretrainedEncoder::module() {
  if (method_) return *method_;
  return *backbone_;
}

// The metadata may ask for a network of any size: its shapes are compared with the file's before it gets memory.
ModelDescription PretrainedEncoder::fitting_description(const SafetensorsReader& file, const NetworkFlags& otherwise,
                                                        DType dtype) {
  ModelDescription description = read_description(file, otherwise);
  const DryRun dry_run;
  const auto imaginary = [&] {
    try {
      return PretrainedEncoder(description, content_of(file), dtype);
    } catch (const Error& e) {
      fail("{}: the network that it is for can't be made: {}", file.path().string(), e.what());
    }
  };
  require_state_fits(imaginary().module(), file);
  return description;
}

PretrainedEncoder::PretrainedEncoder(const SafetensorsReader& file, const NetworkFlags& otherwise, DType dtype)
    : PretrainedEncoder(fitting_description(file, otherwise, dtype), content_of(file), dtype) {
  load_state(module(), file);
}

PretrainedEncoder::PretrainedEncoder(const std::filesystem::path& path, const NetworkFlags& otherwise, DType dtype)
    : PretrainedEncoder(SafetensorsReader(path), otherwise, dtype) {}

PretrainedEncoder PretrainedEncoder::untrained(const ModelDescription& description, DType dtype) {
  return PretrainedEncoder(description, description.method ? Content::method : Content::backbone, dtype);
}

std::vector<Space> PretrainedEncoder::embed(const Tensor& images) {
  if (method_) return method_->embed(images);
  const EvaluationScope evaluation(*backbone_);
  const Device device = backbone_->parameters().front().tensor().device();
  return {{"backbone", backbone_->forward(images.to(device)).value()}};
}

}  // namespace minissl
