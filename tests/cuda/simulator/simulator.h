#pragma once
#include <cstddef>

/// What tests may ask of the simulated GPUs, of which there are two.
namespace simulator {

/// The order in which the threads of a block get their turns. A kernel that is right gives the same bits in any.
enum class Order { forward, backward };
void set_order(Order order);

/// How much memory each GPU has; at first 64 GiB.
void set_memory(size_t bytes);
/// Takes that much of it; false where there is not enough left.
bool take_memory(int device, size_t bytes);
void give_memory(int device, size_t bytes);

/// Whether the GPUs have virtual memory management; at first they have.
void support_virtual_memory(bool supported);
/// Whether memory is mapped there.
bool is_mapped(const void* place);

}  // namespace simulator
