#include "tests/samples/sample.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numeric>
#include <ostream>

namespace minissl::samples {
namespace {

template <class F>
Input each_element(const Shape& shape, F f) {
  return {shape, [f](const Shape& s, const Random& random) {
            const Tensor t = Tensor::empty(s, DType::f64);
            double* values = t.mutable_data<double>();
            for (int64_t i = 0; i < t.numel(); ++i)
              values[i] = static_cast<double>(static_cast<float>(f(random, static_cast<uint32_t>(i))));
            return t;
          }};
}

Tensor rounded_to_f32(const Tensor& t) { return t.dtype() == DType::f64 ? t.to(DType::f32).to(DType::f64) : t; }

Random random_for(const Sample& sample, size_t number) {
  return Random(0, RandomSite::test, 0, hash_name(full_name(sample)), static_cast<uint32_t>(number));
}

constexpr double ulp = 0x1p-24;
constexpr int64_t view_offset = 3, view_margin = 16;

}  // namespace

Input normal(const Shape& shape, double mean, double deviation) {
  return each_element(shape, [=](const Random& random, uint32_t i) { return mean + deviation * random.normal(i); });
}

Input uniform(const Shape& shape, double low, double high) {
  return each_element(shape, [=](const Random& random, uint32_t i) { return low + (high - low) * random.uniform(i); });
}

Input away_from_zero(const Shape& shape, double margin) {
  return each_element(shape, [=](const Random& random, uint32_t i) {
    const double x = random.normal(i);
    return x < 0 ? x - margin : x + margin;
  });
}

Input distinct(const Shape& shape, double centre) {
  return {shape, [centre](const Shape& s, const Random& random) {
            std::vector<double> values(static_cast<size_t>(s.numel()));
            for (size_t i = 0; i < values.size(); ++i)
              values[i] = centre + (static_cast<double>(i) - static_cast<double>(values.size() / 2)) / 16;
            for (size_t i = values.size(); i > 1; --i)
              std::swap(values[i - 1], values[random.below(static_cast<uint32_t>(i), static_cast<uint32_t>(i))]);
            return Tensor::from(s, values);
          }};
}

Input whole_numbers(const Shape& shape, int count) {
  return {shape, [count](const Shape& shape, const Random& random) {
            const Tensor t = Tensor::empty(shape, DType::f64);
            for (int64_t i = 0; i < t.numel(); ++i)
              t.mutable_data<double>()[i] =
                  std::floor(static_cast<float>(count) * random.uniform(static_cast<uint32_t>(i)));
            return t;
          }};
}

Input class_indices(const Shape& shape, int64_t classes) {
  return {shape, [classes](const Shape& s, const Random& random) {
            std::vector<int64_t> values(static_cast<size_t>(s.numel()));
            for (size_t i = 0; i < values.size(); ++i)
              values[i] = random.below(static_cast<uint32_t>(i), static_cast<uint32_t>(classes));
            return Tensor::from(s, values);
          }};
}

Tolerance exact() { return {0, "exact: numbers are moved, selected, or rounded once"}; }

Tolerance roundings(int count) { return {count * ulp, fmt::format("{} roundings to float32", count)}; }

Tolerance sum_of(int64_t terms) {
  return {4 * ulp * (1 + std::sqrt(static_cast<double>(terms))), fmt::format("sums of {} terms in float32", terms)};
}

Tolerance winograd_sum_of(int64_t terms) {
  return {2.5 * sum_of(terms).relative, fmt::format("sums of {} terms in float32 by Winograd's products", terms)};
}

std::string full_name(const Sample& sample) { return sample.operation + "_" + sample.name; }
std::string full_name(const ErrorCase& error) { return error.operation + "_" + error.name; }
void PrintTo(const Sample& sample, std::ostream* out) { *out << full_name(sample); }
void PrintTo(const ErrorCase& error, std::ostream* out) { *out << full_name(error); }

Tensors draw(const Sample& sample, DType type) {
  Tensors inputs;
  for (size_t i = 0; i < sample.inputs.size(); ++i)
    inputs.push_back(sample.inputs[i].draw(sample.inputs[i].shape, random_for(sample, i)));
  if (sample.derive) inputs = sample.derive(std::move(inputs));
  for (Tensor& t : inputs)
    if (is_floating(t.dtype())) t = rounded_to_f32(t).to(type);
  return inputs;
}

Tensors draw_bf16(const Sample& sample) {
  Tensors inputs = draw(sample, DType::f32);
  for (size_t i = 0; i < inputs.size(); ++i)
    if (sample.bf16.at(i)) inputs[i] = inputs[i].to(DType::bf16);
  return inputs;
}

Tensors run(const Sample& sample, const Tensors& inputs) {
  if (sample.run) return sample.run(inputs);
  return {sample.form(Variables(inputs.begin(), inputs.end())).value()};
}

Tensors gradients(const Sample& sample, const Tensors& inputs, const std::vector<bool>& wanted, DType cotangent_type) {
  Variables leaves;
  for (size_t i = 0; i < inputs.size(); ++i)
    leaves.push_back(wanted[i] ? Variable::leaf(inputs[i]) : Variable(inputs[i]));
  const Variable out = sample.form(leaves);
  const Tensor cotangent = uniform(out.shape(), -1, 1)
                               .draw(out.shape(), random_for(sample, inputs.size()))
                               .to(cotangent_type)
                               .to(out.value().dtype())
                               .to(out.value().device());
  backward(out, cotangent);
  Tensors result;
  for (size_t i = 0; i < inputs.size(); ++i) result.push_back(wanted[i] ? leaves[i].grad() : Tensor());
  return result;
}

UnalignedView::UnalignedView(const Tensor& values)
    : whole(Tensor::full({values.numel() + view_margin}, 77, values.dtype())),
      view(whole.slice(view_offset, values.shape())) {
  view.copy_from(values);
}

bool UnalignedView::surroundings_untouched() const {
  const std::vector<double> all = whole.to_vector();
  const auto sentinel = [](double v) { return v == 77; };
  return std::all_of(all.begin(), all.begin() + view_offset, sentinel) &&
         std::all_of(all.begin() + view_offset + view.numel(), all.end(), sentinel);
}

double relative_error(const Tensor& actual, const Tensor& expected) {
  require(actual.shape() == expected.shape(), "{} can't be compared with {}", actual, expected);
  const std::vector<double> a = actual.to_vector(), e = expected.to_vector();
  const double squares = std::inner_product(e.begin(), e.end(), e.begin(), 0.0);
  const double typical = std::sqrt(squares / static_cast<double>(std::max<size_t>(e.size(), 1)));
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == e[i] || (std::isnan(a[i]) && std::isnan(e[i]))) continue;
    const double error = std::abs(a[i] - e[i]) / std::max(std::abs(e[i]), typical);
    worst = std::isnan(error) ? INFINITY : std::max(worst, error);
  }
  return worst;
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         std::memcmp(a.bytes_begin(), b.bytes_begin(), static_cast<size_t>(a.bytes())) == 0;
}

}  // namespace minissl::samples
