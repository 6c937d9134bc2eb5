#pragma once
#include <string>
#include <string_view>
#include <vector>

#include "apps/run/curves.h"
#include "tensor/tensor.h"

namespace minissl {

/// Round axis labels that cover [low, high]: at most `most` + 1, with the first and last at or just outside the range.
/// Steps are 1, 2 or 5 times a power of ten.
std::vector<double> round_ticks(double low, double high, int most);

/// Draws the collapse metrics over the epochs, u8 (H, W, 3), at twice the usual screen density: a row for each metric,
/// a column for each space. For slides and papers; report.h makes the page. Throws Error if `events` has no monitor
/// event.
Tensor draw_monitor(std::string_view title, const std::vector<Json>& events);

}  // namespace minissl
