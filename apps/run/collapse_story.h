#pragma once
#include <optional>
#include <string>
#include <vector>

#include "apps/run/metrics_log.h"
#include "eval/collapse.h"

namespace minissl {

/// Thresholds for turning figures into sentences. story_rules() states them on the page.
inline constexpr size_t fewest_looks = 3;     ///< with fewer, the text says nothing about a run's development
inline constexpr double least_factor = 1.25;  ///< figures within this factor count as about the same
inline constexpr double least_lead = 2;       ///< the largest part of a change is its cause if this many times the next
std::vector<std::string> story_rules();

/// Whether two figures with this ratio count as the same. Mean cosines are compared as 1 - mean_cos, the square of the
/// remaining fraction of an even spread, so that 0.98 and 0.94 differ as much as their spreads do.
bool about_the_same(double ratio);
bool same_cosine(double a, double b);

/// The monitor's complete measurements ("looks") of one space of a run, in order.
struct Looks {
  std::vector<double> epochs = {};
  std::vector<CollapseMetrics> metrics = {};
  size_t size() const { return epochs.size(); }
};
/// `space`: "backbone" or "projection".
Looks looks_at(const std::vector<Json>& events, const char* space);

/// The cause of a change of std.
enum class Cause {
  none,        ///< std is about the same
  norms,       ///< the lengths changed
  directions,  ///< the directions moved together or apart
  uneven,      ///< the lengths of different images became more or less alike
  several,     ///< none of these dominates
};

/// The change from one look to another, as factors. If all norms were equal, std would be norm * std_normalized; so
/// d log std = d log norm + d log std_normalized + rest, where the rest comes from unequal norms.
struct SpreadChange {
  double std = 1, norm = 1, directions = 1;  ///< directions: the factor of std_normalized
  /// The terms of the sum, as shares of d log std; terms that oppose the change are negative.
  struct Shares {
    double norm = 0, directions = 0, rest = 0;
  };
  Shares shares() const;
  Cause cause() const;
};
SpreadChange change_between(const CollapseMetrics& from, const CollapseMetrics& to);

/// Conclusions from the looks at one space.
struct SpaceStory {
  std::string space = {};
  Looks looks = {};
  size_t peak = 0;                              ///< the look with the largest std
  SpreadChange fall = {};                       ///< from the peak to the last look
  std::optional<CollapseVerdict> verdict = {};  ///< judge_collapse; none if the log lacks count or dim
  bool never_spread = false;                    ///< close together at every look
  bool enough() const { return looks.size() >= fewest_looks; }
  bool is(CollapseVerdict::Level level) const { return enough() && verdict && verdict->level == level; }
  bool collapsed() const { return is(CollapseVerdict::Level::collapsed) && !never_spread; }
  /// Whether std fell because of the norms while the directions didn't narrow: no collapse, no rise of mean cosine,
  /// no fall of rank.
  bool misleading_std() const;
};
SpaceStory space_story(std::string space, Looks looks);

/// The spaces in which a run has collapsed: "backbone and projection", "backbone", "projection" or "".
std::string collapsed_spaces(const SpaceStory& backbone, const SpaceStory& projection);

/// The headline for both spaces of a run, such as "Shrinking norms, not collapse".
std::string headline(const SpaceStory& backbone, const SpaceStory& projection);

/// How std changed and why, how the directions changed, and the verdict of the monitor's rule on the last look.
std::string paragraph(const SpaceStory& story);

}  // namespace minissl
