#include "tests/torture/tally.h"

#include <atomic>
#include <fmt/format.h>
#include <numeric>
#include <thread>

namespace minissl::torture {

const char* name_of(Fate fate) {
  static constexpr const char* names[fates] = {"survived", "lost", "hung", "crashed", "wrong"};
  return names[static_cast<int>(fate)];
}

void Tally::add(const std::string& attack, const Verdict& verdict) {
  const std::lock_guard lock(mutex_);
  ++counts_[static_cast<size_t>(verdict.fate)];
  if (verdict.fate != Fate::survived)
    fmt::print(stderr, "{}, {}: {}: {}\n", kind_, attack, name_of(verdict.fate), verdict.note);
}

int64_t Tally::tried() const { return std::accumulate(counts_.begin(), counts_.end(), int64_t{0}); }

std::string Tally::heading() {
  std::string text = fmt::format("{:<34}{:>8}", "attack", "tried");
  for (int fate = 0; fate < fates; ++fate) text += fmt::format("{:>10}", name_of(static_cast<Fate>(fate)));
  return text;
}

std::string Tally::row() const {
  std::string text = fmt::format("{:<34}{:>8}", kind_, tried());
  for (const int64_t count : counts_) text += fmt::format("{:>10}", count);
  return text;
}

void attack_each(const Plan& plan, int64_t count, const std::function<void(int64_t)>& attack) {
  if (!plan.only.empty()) return attack(std::stoll(plan.only));
  std::atomic<int64_t> next{0};
  std::vector<std::jthread> threads;
  for (int job = 0; job < plan.jobs; ++job)
    threads.emplace_back([&] {
      for (int64_t i = next++; i < count; i = next++) attack(i);
    });
}

std::mt19937_64 numbers_of(const Plan& plan, int64_t i) {
  return std::mt19937_64(plan.seed * 1'000'003 + static_cast<uint64_t>(i));
}

}  // namespace minissl::torture
