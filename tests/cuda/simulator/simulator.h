#pragma once
#include <cstddef>

/// Controls of the two simulated GPUs, for tests.
namespace simulator {

/// The order in which the threads of a block take turns. A correct kernel gives the same bits in any order.
enum class Order { forward, backward };
void set_order(Order order);

/// Sets the memory of each GPU; initially 64 GiB.
void set_memory(size_t bytes);
/// Takes this much of it; false if not enough is left.
bool take_memory(int device, size_t bytes);
void give_memory(int device, size_t bytes);

/// Whether the GPUs support virtual memory management; initially they do.
void support_virtual_memory(bool supported);
/// Whether memory is mapped there.
bool is_mapped(const void* place);

}  // namespace simulator
