#pragma once
#include <array>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <mutex>
#include <random>
#include <string>
#include <vector>

/// What became of all attacks of a kind: one row of the table.
namespace minissl::torture {

enum class Fate {
  survived,  ///< as promised
  lost,      ///< a run can't go on to the same bytes, or something was left behind or damaged
  hung,
  crashed,  ///< ended by a signal or by std::terminate
  wrong     ///< a wrong result, exit status or message
};
inline constexpr int fates = 5;
const char* name_of(Fate fate);

struct Verdict {
  Fate fate = Fate::survived;
  std::string note = {};  ///< what happened, where that isn't survival
};

/// How hard to attack, and where.
struct Plan {
  int64_t count = 0;   ///< attacks; 0: the kind's own number
  bool quick = false;  ///< the part that ctest runs
  uint64_t seed = 1;
  int jobs = 2;  ///< processes at a time
  std::filesystem::path scratch;
  std::string only = {};  ///< a single attack, to repeat it

  int64_t attacks(int64_t when_quick, int64_t at_length) const {
    return count > 0 ? count : quick ? when_quick : at_length;
  }
};

class Tally {
 public:
  explicit Tally(std::string kind) : kind_(std::move(kind)) {}
  Tally(Tally&& other) noexcept : kind_(std::move(other.kind_)), counts_(other.counts_) {}

  /// From any thread. Troubles are written to standard error at once.
  void add(const std::string& attack, const Verdict& verdict);
  int64_t tried() const;
  int64_t survived() const { return counts_[0]; }
  static std::string heading();
  std::string row() const;

 private:
  std::string kind_;
  std::array<int64_t, fates> counts_{};
  std::mutex mutex_;
};

/// Calls attack(i) for i in [0, count), several at a time; for one alone if the plan says `only`.
void attack_each(const Plan& plan, int64_t count, const std::function<void(int64_t)>& attack);

/// The random numbers of attack i: the same whatever else is run.
std::mt19937_64 numbers_of(const Plan& plan, int64_t i);

/// Whether this is a file that is still being written (tensor/atomic_file.h), or that a killed write left.
inline bool is_temporary(const std::filesystem::path& file) {
  return file.extension().string().starts_with(".minissl-tmp");
}

}  // namespace minissl::torture
