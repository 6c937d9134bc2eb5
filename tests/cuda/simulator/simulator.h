#pragma once
#include <cstddef>

/// What tests may ask of the simulated GPUs, of which there are two.
namespace simulator {

/// The order in which the threads of a block get their turns. A kernel that is right gives the same bits in any.
enum class Order { forward, backward };
void set_order(Order order);

/// How much memory each GPU has; at first 64 GiB.
void set_memory(size_t bytes);

}  // namespace simulator
