#include "apps/run/knn_story.h"

#include <algorithm>
#include <cmath>
#include <fmt/format.h>
#include <limits>

#include "apps/run/curves.h"

namespace minissl {

double standard_error(const Score& a, const Score& b) {
  if (a.n_test <= 0 || b.n_test <= 0) return std::numeric_limits<double>::quiet_NaN();
  const auto variance = [](const Score& s) { return s.top1 * (1 - s.top1) / static_cast<double>(s.n_test); };
  return std::sqrt(variance(a) + variance(b));
}

Difference compare(const Score& a, const Score& b) {
  const double error = standard_error(a, b);
  if (!std::isfinite(error) || !std::isfinite(a.top1 - b.top1)) return Difference::unknown;
  if (std::abs(a.top1 - b.top1) <= least_standard_errors * error) return Difference::none;
  return a.top1 > b.top1 ? Difference::higher : Difference::lower;
}

std::string words_for(const Score& a, const Score& b, std::string_view b_name) {
  const std::string other = format_percent(b.top1);
  switch (compare(a, b)) {
    case Difference::higher:
      return fmt::format("above {} ({})", b_name, other);
    case Difference::lower:
      return fmt::format("below {} ({})", b_name, other);
    case Difference::none:
      return fmt::format("no different from {} ({}; {} standard errors are {:.1f} points)", b_name, other,
                         least_standard_errors, 100 * least_standard_errors * standard_error(a, b));
    case Difference::unknown:
      break;
  }
  return fmt::format("beside {} ({})", b_name, other);
}

KnnStory knn_story(const std::vector<Json>& events) {
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  KnnStory story{.untrained = {nan}, .pixels = {nan}};
  for (const Json& event : events) {
    if (!is_event(event, "eval")) continue;
    const double n = number(event, "n_test");
    const int64_t n_test = std::isfinite(n) ? static_cast<int64_t>(n) : 0;
    if (const auto baseline = event.find("baseline"); baseline != event.end() && baseline->is_object()) {
      story.untrained = {number(*baseline, "untrained"), n_test};
      story.pixels = {number(*baseline, "pixels"), n_test};
    }
    const Score score{number(event, "knn_top1"), n_test};
    if (!std::isfinite(score.top1) || !std::isfinite(number(event, "epoch"))) continue;
    story.epochs.push_back(number(event, "epoch"));
    story.scores.push_back(score);
  }
  return story;
}

std::string paragraph(const KnnStory& story) {
  if (!story.measured()) return "Not measured.";
  const Score& last = story.scores.back();
  const bool trained = story.epochs.back() > 0;
  std::string text = fmt::format("{} ", format_percent(last.top1));
  text += trained ? "after epoch " + format_number(story.epochs.back()) : "before training";
  std::vector<std::string> comparisons;
  if (trained && std::isfinite(story.untrained.top1))
    comparisons.push_back(words_for(last, story.untrained, "the untrained network"));
  if (std::isfinite(story.pixels.top1)) comparisons.push_back(words_for(last, story.pixels, "raw pixels"));
  if (!comparisons.empty()) text += fmt::format(": {}", fmt::join(comparisons, ", and "));
  text += ".";
  if (last.n_test <= 0)
    return text + " The log doesn't say of how many test images, so differences can't be told from chance.";
  const auto best = std::max_element(story.scores.begin(), story.scores.end(),
                                     [](const Score& a, const Score& b) { return a.top1 < b.top1; });
  if (compare(last, *best) == Difference::lower)
    text += fmt::format(" It was {} after epoch {}.", format_percent(best->top1),
                        format_number(story.epochs[static_cast<size_t>(best - story.scores.begin())]));
  return text;
}

std::string knn_rule() {
  return fmt::format(
      "Accuracies are no different within {} binomial standard errors of their difference, sqrt(p(1-p)/n + q(1-q)/m). "
      "That is the chance in which images were tested, not that of another seed.",
      least_standard_errors);
}

}  // namespace minissl
