#include "apps/run/collapse_story.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <utility>

#include "apps/run/curves.h"

namespace minissl {
namespace {

bool is_usable(const CollapseMetrics& m) {
  return std::isfinite(m.std) && std::isfinite(m.mean_cos) && std::isfinite(m.eff_rank) &&
         std::isfinite(m.std_normalized) && std::isfinite(m.norm);
}

/// "after epoch 5", "before training".
std::string when(double epoch) { return epoch == 0 ? "before training" : "after epoch " + format_number(epoch); }

template <class Holds>
std::string spaces_where(const SpaceStory& backbone, const SpaceStory& projection, Holds holds) {
  if (holds(backbone)) return holds(projection) ? "backbone and projection" : "backbone";
  return holds(projection) ? "projection" : "";
}

/// "12%", "326 times that".
std::string size_of(double factor) {
  return factor < 2 ? format_share(factor) : fmt::format("{} times that", format_number(factor));
}

std::string sentence_on_std(const SpaceStory& story) {
  const double peak = story.looks.metrics[story.peak].std, last = story.looks.metrics.back().std;
  const Cause cause = story.fall.cause();
  if (story.peak + 1 == story.looks.size())
    return fmt::format("Std didn't fall: it ended at its largest, {} ({} {}).", format_number(last),
                       format_number(story.looks.metrics.front().std), when(story.looks.epochs.front()));
  if (cause == Cause::none)
    return fmt::format("Std held: {} at the end, {} of its peak {}.", format_number(last), format_share(story.fall.std),
                       when(story.looks.epochs[story.peak]));
  const std::string fell = fmt::format(
      "Std fell to {} of its peak (from {} {} to {} {}).", format_share(story.fall.std), format_number(peak),
      when(story.looks.epochs[story.peak]), format_number(last), when(story.looks.epochs.back()));
  const std::string norms = size_of(story.fall.norm), directions = size_of(story.fall.directions);
  const SpreadChange::Shares shares = story.fall.shares();
  switch (cause) {
    case Cause::norms:
      return fmt::format("{} That is shrinking norms: the mean norm went to {}, the spread of directions to {}.", fell,
                         norms, directions);
    case Cause::directions:
      return fmt::format(
          "{} That is directions drawing together: their spread went to {} of what it was, the mean norm to {}.", fell,
          directions, norms);
    case Cause::uneven:
      return fmt::format(
          "{} That is the norms of different images becoming more alike: their mean went to {}, the "
          "spread of directions to {}.",
          fell, norms, directions);
    default:
      return fmt::format(
          "{} That has no single cause: the mean norm went to {} ({:.0f}% of the fall's logarithm), the "
          "spread of directions to {} ({:.0f}%), and the norms of different images became {} alike "
          "({:.0f}%).",
          fell, norms, 100 * shares.norm, directions, 100 * shares.directions, shares.rest > 0 ? "more" : "less",
          100 * shares.rest);
  }
}

/// "rose from 0.12 to 0.34", "stayed about the same (0.12 and 0.13)".
std::string trend(double from, double to, bool same) {
  if (same) return fmt::format("stayed about the same ({} and {})", format_number(from), format_number(to));
  return fmt::format("{} from {} to {}", to > from ? "rose" : "fell", format_number(from), format_number(to));
}

/// Covers the fall of std if it fell, else all looks.
std::string sentence_on_directions(const SpaceStory& story) {
  const bool fell = story.fall.cause() != Cause::none;
  const CollapseMetrics &from = fell ? story.looks.metrics[story.peak] : story.looks.metrics.front(),
                        &to = story.looks.metrics.back();
  return fmt::format("{} mean cosine {} and effective rank {}.",
                     fell ? "Meanwhile" : fmt::format("Since the look {},", when(story.looks.epochs.front())),
                     trend(from.mean_cos, to.mean_cos, same_cosine(from.mean_cos, to.mean_cos)),
                     trend(from.eff_rank, to.eff_rank, about_the_same(to.eff_rank / from.eff_rank)));
}

std::string sentence_on_verdict(const SpaceStory& story) {
  if (!story.verdict) return "Its log lacks the embeddings' dimension, so that collapse can't be judged.";
  std::string text = fmt::format("The monitor's verdict: “{}”.", story.verdict->text);
  if (story.never_spread)
    text += " At no look were they much further apart: this network never spread them, rather than having collapsed.";
  return text;
}

}  // namespace

std::vector<std::string> story_rules() {
  return {
      fmt::format("Fewer than {} looks of the monitor are not enough to tell how a run developed.", fewest_looks),
      fmt::format(
          "A fall of std is counted from its largest value to the last look, and split as d log std = d log norm "
          "+ d log std_normalized + rest. The rest is how unequal the norms of different images are. The largest "
          "part is called the cause when it is at least {} times the next.",
          least_lead),
      fmt::format(
          "Two figures within a factor of {} of each other are about the same. Of mean cosines, 1 - mean_cos is "
          "compared.",
          least_factor),
      fmt::format(
          "Collapse is what the monitor calls so: directions spread less than {} times as widely as over an even "
          "sphere, or an effective rank below {:.0f}% of the possible one. Where the spread was below {} at every "
          "look, the network never spread its features, which is not called a collapse.",
          least_spread, 100 * least_rank, 2 * least_spread),
  };
}

Looks looks_at(const std::vector<Json>& events, const char* space) {
  Looks looks;
  for (const Json& event : events) {
    if (!is_event(event, "monitor")) continue;
    const CollapseMetrics metrics = collapse_metrics_of(event, space);
    const double epoch = number(event, "epoch");
    if (!std::isfinite(epoch) || !is_usable(metrics)) continue;
    looks.epochs.push_back(epoch);
    looks.metrics.push_back(metrics);
  }
  return looks;
}

bool about_the_same(double ratio) { return ratio < least_factor && ratio > 1 / least_factor; }

bool same_cosine(double a, double b) { return a == b || about_the_same((1 - a) / (1 - b)); }

SpreadChange::Shares SpreadChange::shares() const {
  const double whole = std::log(std), of_norm = std::log(norm) / whole, of_directions = std::log(directions) / whole;
  return {of_norm, of_directions, 1 - of_norm - of_directions};
}

Cause SpreadChange::cause() const {
  if (about_the_same(std)) return Cause::none;
  if (std == 0) return norm > 0 ? Cause::directions : Cause::norms;  // a single point, or all zero
  const Shares all = shares();
  std::array<std::pair<double, Cause>, 3> parts{
      {{all.norm, Cause::norms}, {all.directions, Cause::directions}, {all.rest, Cause::uneven}}};
  std::sort(parts.begin(), parts.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  return parts[0].first >= least_lead * parts[1].first ? parts[0].second : Cause::several;
}

SpreadChange change_between(const CollapseMetrics& from, const CollapseMetrics& to) {
  return {to.std / from.std, to.norm / from.norm, to.std_normalized / from.std_normalized};
}

bool SpaceStory::misleading_std() const {
  if (!enough() || fall.cause() != Cause::norms || collapsed() || never_spread) return false;
  const CollapseMetrics &then = looks.metrics[peak], &now = looks.metrics.back();
  const bool cosine_rose = now.mean_cos > then.mean_cos && !same_cosine(then.mean_cos, now.mean_cos);
  return !cosine_rose && now.eff_rank > then.eff_rank / least_factor;
}

SpaceStory space_story(std::string space, Looks looks) {
  SpaceStory story{.space = std::move(space), .looks = std::move(looks)};
  const std::vector<CollapseMetrics>& metrics = story.looks.metrics;
  if (metrics.empty()) return story;
  const auto largest =
      std::max_element(metrics.begin(), metrics.end(), [](const auto& a, const auto& b) { return a.std < b.std; });
  story.peak = static_cast<size_t>(largest - metrics.begin());
  story.fall = change_between(*largest, metrics.back());
  const CollapseMetrics& last = metrics.back();
  if (last.dim <= 0 || last.count <= 1) return story;
  story.verdict = judge_collapse(metrics);
  const double widest = std::max_element(metrics.begin(), metrics.end(), [](const auto& a, const auto& b) {
                          return a.std_normalized < b.std_normalized;
                        })->std_normalized;
  story.never_spread = relative_spread(last, last.dim) < least_spread &&
                       widest * std::sqrt(static_cast<double>(last.dim)) < 2 * least_spread;
  return story;
}

std::string collapsed_spaces(const SpaceStory& backbone, const SpaceStory& projection) {
  return spaces_where(backbone, projection, [](const SpaceStory& s) { return s.collapsed(); });
}

std::string headline(const SpaceStory& backbone, const SpaceStory& projection) {
  if (!backbone.enough()) return "Not enough looks to tell";
  if (const std::string spaces = collapsed_spaces(backbone, projection); !spaces.empty())
    return fmt::format("Collapsed ({})", spaces);
  const std::string never =
      spaces_where(backbone, projection, [](const SpaceStory& s) { return s.enough() && s.never_spread; });
  if (!never.empty()) return fmt::format("Never spread out ({})", never);
  const std::string losing =
      spaces_where(backbone, projection, [](const SpaceStory& s) { return s.is(CollapseVerdict::Level::watch); });
  if (!losing.empty()) return fmt::format("Directions narrowed ({})", losing);
  const char* verdict = backbone.verdict ? ", no collapse" : ", collapse not judged";
  switch (backbone.fall.cause()) {
    case Cause::none:
      return fmt::format("Std held{}", verdict);
    case Cause::norms:
      return fmt::format("Shrinking norms{}", verdict);
    case Cause::directions:
      return fmt::format("Directions drew closer{}", verdict);
    case Cause::uneven:
      return fmt::format("Norms grew alike{}", verdict);
    case Cause::several:
      break;
  }
  return fmt::format("Std fell for several causes{}", verdict);
}

std::string paragraph(const SpaceStory& story) {
  if (!story.enough())
    return fmt::format("Not enough looks to tell: {} of the {} that are needed.", story.looks.size(), fewest_looks);
  return fmt::format("{} {} {}", sentence_on_std(story), sentence_on_directions(story), sentence_on_verdict(story));
}

}  // namespace minissl
