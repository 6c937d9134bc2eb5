#pragma once
#include "tensor/error.h"

namespace minissl {

/// The values that a number may have: all between two ends, never NaN or infinity. Integers are told apart up to 2^53.
class Range {
 public:
  /// The upper end where nothing else limits a number: f32 holds it.
  static constexpr double largest = 3.4e38;

  /// Both ends included.
  constexpr Range(double least, double most) : least_(least), most_(most) {}
  static constexpr Range at_least(double least) { return {least, largest}; }
  /// The lower end excluded.
  static constexpr Range above(double bound, double most = largest) {
    Range range(bound, most);
    range.open_ = true;
    return range;
  }
  /// A number without a meaningful end.
  static constexpr Range finite() { return {-largest, largest}; }

  constexpr bool contains(double value) const {  // NaN is nowhere
    return value <= most_ && (open_ ? value > least_ : value >= least_);
  }
  /// "above 0", "at least 1", "from 0 to 1"
  std::string str() const {
    if (most_ < largest)
      return open_ ? fmt::format("above {} and at most {}", least_, most_)
                   : fmt::format("from {} to {}", least_, most_);
    if (least_ > -largest) return fmt::format("{} {}", open_ ? "above" : "at least", least_);
    return "a finite number";
  }
  /// Throws Error naming the option unless it contains the value.
  template <class T>
  void check(const std::string& option, T value) const {
    const auto v = static_cast<double>(value);
    const bool too_large = v > most_ && most_ == largest;
    require(contains(v), "`{}` must be {}, not {}", option, too_large ? fmt::format("at most {}", most_) : str(),
            value);
  }

 private:
  double least_, most_;
  bool open_ = false;
};

}  // namespace minissl
