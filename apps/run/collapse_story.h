#pragma once
#include <optional>
#include <string>
#include <vector>

#include "apps/run/metrics_log.h"
#include "eval/collapse.h"

namespace minissl {

/// The thresholds by which figures become sentences. story_rules() says them on the page.
inline constexpr size_t fewest_looks = 3;     ///< with fewer, nothing is said of how a run developed
inline constexpr double least_factor = 1.25;  ///< figures within it of each other are about the same
inline constexpr double least_lead = 2;  ///< the largest part of a change is its cause when this many times the next
std::vector<std::string> story_rules();

/// Whether two figures of this ratio count as the same. Of mean cosines, 1 - mean_cos is looked at: the square of what
/// is left of an even spread, so that 0.98 and 0.94 differ as much as their spreads do.
bool about_the_same(double ratio);
bool same_cosine(double a, double b);

/// The usable looks of the monitor at one space of a run: those with all figures, in order.
struct Looks {
  std::vector<double> epochs = {};
  std::vector<CollapseMetrics> metrics = {};
  size_t size() const { return epochs.size(); }
};
/// `space`: "backbone" or "projection".
Looks looks_at(const std::vector<Json>& events, const char* space);

/// What a change of std comes from.
enum class Cause {
  none,        ///< std is about the same
  norms,       ///< the lengths changed
  directions,  ///< the directions drew together or apart
  uneven,      ///< the lengths of different images became more, or less, alike
  several,     ///< no one of these leads
};

/// From one look to another, as factors. Were all norms of a look the same, std would be norm * std_normalized; so
/// d log std = d log norm + d log std_normalized + rest, where the rest is how unequal the norms are.
struct SpreadChange {
  double std = 1, norm = 1, directions = 1;  ///< directions: of std_normalized
  /// The parts of the sum, as shares of d log std; those that oppose the change are negative.
  struct Shares {
    double norm = 0, directions = 0, rest = 0;
  };
  Shares shares() const;
  Cause cause() const;
};
SpreadChange change_between(const CollapseMetrics& from, const CollapseMetrics& to);

/// What the looks at one space say.
struct SpaceStory {
  std::string space = {};
  Looks looks = {};
  size_t peak = 0;                              ///< the look with the largest std
  SpreadChange fall = {};                       ///< from there to the last look
  std::optional<CollapseVerdict> verdict = {};  ///< judge_collapse; none where the log lacks count or dim
  bool never_spread = false;                    ///< close together now, and at every look before
  bool enough() const { return looks.size() >= fewest_looks; }
  bool is(CollapseVerdict::Level level) const { return enough() && verdict && verdict->level == level; }
  bool collapsed() const { return is(CollapseVerdict::Level::collapsed) && !never_spread; }
  /// Std fell because of the norms, while the directions didn't narrow: no collapse, no rise of mean cosine,
  /// no fall of rank.
  bool misleading_std() const;
};
SpaceStory space_story(std::string space, Looks looks);

/// "backbone and projection", "backbone", "projection" or "": where a run has collapsed.
std::string collapsed_spaces(const SpaceStory& backbone, const SpaceStory& projection);

/// "Shrinking norms, not collapse", from both spaces of a run.
std::string headline(const SpaceStory& backbone, const SpaceStory& projection);

/// What became of std and why, what became of the directions, and what the monitor's rule says of the last look.
std::string paragraph(const SpaceStory& story);

}  // namespace minissl
