#include "data/augment.h"

#include <algorithm>
#include <cmath>
#include <numbers>
#include <utility>

namespace minissl {
namespace {

constexpr float min_aspect = 3.0f / 4, max_aspect = 4.0f / 3;
constexpr int crop_tries = 10;
constexpr float reference_size = 224;  // the view size that blur's sigma refers to

struct Box {
  float x, y, width, height;
};

// torchvision's RandomResizedCrop.get_params.
Box draw_crop(const Augmentation& a, int64_t height, int64_t width, const Random& random) {
  const auto h = static_cast<float>(height), w = static_cast<float>(width);
  for (uint32_t i = 0; i < 4 * crop_tries; i += 4) {
    const float area = h * w * random.uniform(i, a.crop_scale[0], a.crop_scale[1]);
    const float aspect = std::exp(random.uniform(i + 1, std::log(min_aspect), std::log(max_aspect)));
    const float box_w = std::round(std::sqrt(area * aspect)), box_h = std::round(std::sqrt(area / aspect));
    if (box_w < 1 || box_w > w || box_h < 1 || box_h > h) continue;
    const auto x = random.below(i + 2, static_cast<uint32_t>(w - box_w) + 1);
    const auto y = random.below(i + 3, static_cast<uint32_t>(h - box_h) + 1);
    return {static_cast<float>(x), static_cast<float>(y), box_w, box_h};
  }
  const float aspect = w / h;
  const float box_w = aspect > max_aspect ? std::round(h * max_aspect) : w;
  const float box_h = aspect < min_aspect ? std::round(w / min_aspect) : h;
  return {std::floor((w - box_w) / 2), std::floor((h - box_h) / 2), box_w, box_h};
}

InverseMap map_of(const Box& box, float degrees, bool flip, int64_t size) {
  const auto s = static_cast<float>(size);
  const float scale_x = box.width / s, scale_y = box.height / s;
  const float angle = degrees * std::numbers::pi_v<float> / 180;
  const float cosine = std::cos(angle), sine = std::sin(angle), mirror = flip ? -1.0f : 1.0f;
  InverseMap map;
  map.scale_x = scale_x, map.scale_y = scale_y;
  // Relative to the view's centre: undo the flip, rotate back, scale to the box. Counter-clockwise is positive.
  map.xx = scale_x * cosine * mirror, map.xy = -scale_x * sine;
  map.yx = scale_y * sine * mirror, map.yy = scale_y * cosine;
  map.x0 = box.x + box.width / 2 - (map.xx + map.xy) * s / 2;
  map.y0 = box.y + box.height / 2 - (map.yx + map.yy) * s / 2;
  return map;
}

float draw_factor(const Random& random, uint32_t i, float strength) {
  return random.uniform(i, std::max(0.0f, 1 - strength), 1 + strength);
}

}  // namespace

void Augmentation::visit(OptionVisitor& visitor) {
  constexpr Range probability{0, 1}, strength{0, 1000};
  visitor.visit_interval("crop-scale", crop_scale, Range::above(0, 1),
                         "fraction of the image's area in a view: from,to");
  visitor.visit_number("rotate", rotate, {0, 180}, "degrees, in either direction");
  visitor.visit_number("flip", flip, probability, "probability");
  visitor.visit_number("brightness", brightness, strength, "factors within 1 - v and 1 + v");
  visitor.visit_number("contrast", contrast, strength, "factors within 1 - v and 1 + v");
  visitor.visit_number("saturation", saturation, strength, "factors within 1 - v and 1 + v");
  visitor.visit_number("hue", hue, {0, 0.5}, "turns, in either direction");
  visitor.visit_number("jitter-prob", jitter_prob, probability, "probability of these four");
  visitor.visit_number("gray-prob", gray_prob, probability, "probability");
  visitor.visit_number("blur-prob", blur_prob, probability, "probability");
  visitor.visit_number("noise", noise, strength, "maximum quantum noise at full intensity");
  visitor.visit_number("solarize-prob", solarize_prob, probability, "probability");
}

Normalization Normalization::imagenet(int64_t channels) {
  if (channels == 1) return {{0.449f, 0.449f, 0.449f}, {0.226f, 0.226f, 0.226f}};
  return {{0.485f, 0.456f, 0.406f}, {0.229f, 0.224f, 0.225f}};
}

Normalization Normalization::cifar10(int64_t channels) {
  if (channels == 1) return {{0.481f, 0.481f, 0.481f}, {0.200f, 0.200f, 0.200f}};
  return {{0.4914f, 0.4822f, 0.4465f}, {0.2023f, 0.1994f, 0.2010f}};
}

Normalization Normalization::named(const std::string& name, int64_t channels) {
  if (name == "imagenet") return imagenet(channels);
  if (name == "cifar10") return cifar10(channels);
  fail("`normalization` {} is not known; there are imagenet and cifar10", name);
}

InverseMap crop_map(float x, float y, float width, float height, int64_t size) {
  return map_of({x, y, width, height}, 0, false, size);
}

ViewParameters draw_view(const Augmentation& a, int64_t height, int64_t width, int64_t size, uint64_t seed,
                         int64_t epoch, int64_t image, int view) {
  const auto random = [&](RandomSite site) {
    return Random(seed, site, static_cast<uint32_t>(epoch), static_cast<uint32_t>(image), static_cast<uint32_t>(view));
  };
  ViewParameters p;
  p.size = static_cast<int32_t>(size);

  const Box crop = draw_crop(a, height, width, random(RandomSite::crop));
  const float degrees = random(RandomSite::rotation).uniform(0, -a.rotate, a.rotate);
  p.map = map_of(crop, degrees, random(RandomSite::flip).uniform(0) < a.flip, size);

  const Random color = random(RandomSite::color);
  p.jitter = color.uniform(0) < a.jitter_prob;
  p.factor = {draw_factor(color, 1, a.brightness), draw_factor(color, 2, a.contrast),
              draw_factor(color, 3, a.saturation), color.uniform(4, -a.hue, a.hue)};
  for (uint32_t i = 3; i > 0; --i) std::swap(p.order[i], p.order[color.below(4 + i, i + 1)]);
  p.gray = color.uniform(8) < a.gray_prob;

  const Random blur = random(RandomSite::blur);
  if (blur.uniform(0) < a.blur_prob)
    p.blur_sigma = blur.uniform(1, 0.1f, 2.0f) * static_cast<float>(size) / reference_size;

  p.noise_source = random(RandomSite::noise);
  // The pixels use indices from 0, far below this one.
  p.noise = a.noise * p.noise_source.uniform(0xffffffffu);
  p.solarize = random(RandomSite::solarize).uniform(0) < a.solarize_prob;
  return p;
}

ViewParameters evaluation_view(int64_t height, int64_t width, int64_t size) {
  const int64_t shorter = size <= 64 ? size : (size * 256 + 112) / 224;
  const int64_t least = std::min(height, width);
  const int64_t resized_h = shorter * height / least, resized_w = shorter * width / least;
  // The crop starts at a whole pixel of the resized image.
  const auto offset = [size](int64_t extent) { return std::nearbyint(static_cast<double>(extent - size) / 2); };
  const double scale_x = static_cast<double>(width) / static_cast<double>(resized_w);
  const double scale_y = static_cast<double>(height) / static_cast<double>(resized_h);
  const double side = static_cast<double>(size);
  ViewParameters p;
  p.size = static_cast<int32_t>(size);
  p.map = crop_map(static_cast<float>(offset(resized_w) * scale_x), static_cast<float>(offset(resized_h) * scale_y),
                   static_cast<float>(side * scale_x), static_cast<float>(side * scale_y), size);
  return p;
}

Tensor evaluation_view(const Image& image, int64_t size, const Normalization& normalization) {
  return render_view(image, evaluation_view(image.height(), image.width(), size), normalization);
}

}  // namespace minissl
