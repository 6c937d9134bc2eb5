#include "tensor/profile.h"

#include <fmt/ostream.h>
#include <ostream>

namespace minissl {

void detail::add_tensor(Profile::Event& event, const Tensor& t) {
  if (!t.defined()) return;
  if (!event.shapes.empty()) event.shapes += ' ';
  event.shapes += t.dtype() == DType::f32 ? t.shape().str() : t.str();
  event.bytes += t.bytes();
}

void write_trace(std::ostream& out, const std::vector<Profile::Event>& events) {
  out << "{\"displayTimeUnit\":\"ms\",\"traceEvents\":[";
  const char* separator = "\n";
  for (const Profile::Event& e : events) {
    fmt::print(out,
               R"({}{{"name":"{}","ph":"X","pid":1,"tid":1,"ts":{:.3f},"dur":{:.3f},)"
               R"("args":{{"shapes":"{}","gflops_per_s":{:.1f},"gb_per_s":{:.1f}}}}})",
               separator, e.operation, e.start * 1e6, e.seconds * 1e6, e.shapes, e.flops / e.seconds * 1e-9,
               static_cast<double>(e.bytes) / e.seconds * 1e-9);
    separator = ",\n";
  }
  out << "\n]}\n";
}

}  // namespace minissl
