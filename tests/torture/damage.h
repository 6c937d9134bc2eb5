#pragma once
#include <random>
#include <string>

namespace minissl::torture {

/// Damages bytes as disks, copies and attackers do: a bit or some bytes flipped, a sector of zeros, an end missing, a
/// block twice, two blocks exchanged, a number set to its extremes. Says what it did. The result differs from the input
/// unless that is empty.
std::string damage(std::string& bytes, std::mt19937_64& numbers);

}  // namespace minissl::torture
