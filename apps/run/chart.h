#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/curves.h"
#include "tensor/tensor.h"

namespace minissl {

/// Round numbers to label an axis with: at most `most` + 1 of them, covering [low, high], the first and last just
/// outside. Steps are 1, 2 or 5 times a power of ten.
std::vector<double> round_ticks(double low, double high, int most);

/// The collapse metrics over the epochs as a picture, u8 (H, W, 3), at twice the usual density of a screen: a row for
/// each metric, a column for each space. For slides and papers; report.h makes the page. Throws Error when `events` has
/// no monitor event.
Tensor draw_monitor(std::string_view title, const std::vector<Json>& events);

}  // namespace minissl
