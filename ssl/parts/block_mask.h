#pragma once
#include <cstdint>
#include <functional>
#include <span>

namespace minissl {

/// BEiT's blockwise mask (Bao et al. 2022, algorithm 1, as in its authors' code): hides rectangles of patches until
/// `count` of grid^2 are hidden, never more. `mask`, (grid^2), all 0 before, gets a 1 for each hidden patch; `next`
/// returns numbers in [0, 1).
///
/// A rectangle is tried with its area between `least` and what is still to be hidden, its aspect ratio between 0.3 and
/// 1 / 0.3, at a random place; it must be smaller than the grid in both directions, and hide between one and what is
/// still to be hidden of patches that were visible. Ten failures in a row end the mask, which then has fewer than
/// `count`, or, if it is empty, hides one random patch.
void block_mask(std::span<uint8_t> mask, int64_t grid, int64_t count, int64_t least,
                const std::function<double()>& next);

}  // namespace minissl
