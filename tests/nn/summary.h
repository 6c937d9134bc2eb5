#pragma once
#include <cmath>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tensor/tensor.h"

namespace minissl {

/// Compares a tensor with the summary that PyTorch's was given in a fixture: shape, norm, sum and four elements.
inline void expect_summary(const nlohmann::json& expected, const Tensor& actual, const std::string& name) {
  constexpr double tolerance = 1e-9;
  const std::vector<double> values = actual.to_vector();
  double square = 0, sum = 0;
  for (const double v : values) square += v * v, sum += v;
  const double norm = expected.at("norm"), count = static_cast<double>(values.size());
  EXPECT_EQ(std::vector<int64_t>(actual.shape().begin(), actual.shape().end()),
            expected.at("shape").get<std::vector<int64_t>>())
      << name;
  EXPECT_NEAR(std::sqrt(square), norm, tolerance * norm) << name;
  EXPECT_NEAR(sum, expected.at("sum").get<double>(), tolerance * norm * std::sqrt(count)) << name;
  for (size_t j = 0; j < 4; ++j)
    EXPECT_NEAR(values[j * (values.size() - 1) / 3], expected.at("samples").at(j).get<double>(), tolerance * norm)
        << name << ", sample " << j;
}

}  // namespace minissl
