#include "apps/step_profile.h"

#include <algorithm>
#include <map>

namespace minissl {
namespace {

struct Row {
  std::string name;
  double calls = 0, seconds = 0, flops = 0, bytes = 0;

  void add(const Profile::Event& event) {
    ++calls;
    seconds += event.seconds;
    flops += event.flops;
    bytes += static_cast<double>(event.bytes);
  }
};

// Sums events with the same key, the most expensive first.
template <class Key>
std::vector<Row> sums_by(const std::vector<Profile::Event>& events, Key&& key) {
  std::map<std::string, Row> sums;
  for (const Profile::Event& event : events) sums[key(event)].add(event);
  std::vector<Row> rows;
  for (auto& [name, row] : sums) rows.push_back(row), rows.back().name = name;
  std::stable_sort(rows.begin(), rows.end(), [](const Row& a, const Row& b) { return a.seconds > b.seconds; });
  return rows;
}

std::string rate(double amount, double seconds) {
  return amount > 0 && seconds > 0 ? fmt::format("{:.0f}", amount / seconds * 1e-9) : "";
}

std::string line(const Row& row, double seconds, int steps) {
  return fmt::format("{:>9.2f} {:>6.1f} {:>6.0f} {:>9} {:>7}  {}\n", row.seconds * 1e3 / steps,
                     100 * row.seconds / seconds, row.calls / steps, rate(row.flops, row.seconds),
                     rate(row.bytes, row.seconds), row.name);
}

}  // namespace

std::string profile_table(const std::vector<Profile::Event>& events, double seconds, int steps, int rows) {
  const std::string head =
      fmt::format("{:>9} {:>6} {:>6} {:>9} {:>7}  ", "ms/step", "share%", "calls", "GFLOP/s", "GB/s");
  std::string table = head + "operation\n";
  Row rest{"(between operations)", 0, seconds, 0, 0};
  for (const Row& row : sums_by(events, [](const Profile::Event& e) { return std::string(e.operation); })) {
    table += line(row, seconds, steps);
    rest.seconds -= row.seconds;
  }
  table += line(rest, seconds, steps) + '\n' + head + "operation and shapes\n";
  const auto by_shape =
      sums_by(events, [](const Profile::Event& e) { return fmt::format("{} {}", e.operation, e.shapes); });
  for (size_t i = 0; i < std::min(by_shape.size(), static_cast<size_t>(rows)); ++i)
    table += line(by_shape[i], seconds, steps);
  return table;
}

}  // namespace minissl
