#include "tensor/tf32.h"

#include <atomic>

namespace minissl::tf32 {
namespace {

std::atomic<bool> on_{false};

}  // namespace

void enable(bool on) { on_ = on; }
bool enabled() { return on_; }

}  // namespace minissl::tf32
