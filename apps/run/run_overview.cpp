#include "apps/run/run_overview.h"

#include <cmath>
#include <fmt/format.h>

#include "apps/run/collapse_story.h"
#include "apps/run/knn_story.h"

namespace minissl {
namespace {

/// Groups names by statement, in the order of the first calls: "above it in a and b; below it in c".
class Groups {
 public:
  void add(const std::string& what, const std::string& name) {
    for (auto& [known, names] : groups_)
      if (known == what) return names.push_back(name);
    groups_.push_back({what, {name}});
  }
  bool empty() const { return groups_.empty(); }
  std::string str() const {
    std::vector<std::string> parts;
    for (const auto& [what, names] : groups_) parts.push_back(fmt::format("{} {}", what, fmt::join(names, ", ")));
    return fmt::format("{}", fmt::join(parts, "; "));
  }

 private:
  std::vector<std::pair<std::string, std::vector<std::string>>> groups_;
};

struct Told {
  std::string name;
  SpaceStory backbone, projection;
};

std::string sentence_on_std(const std::vector<Told>& runs) {
  Groups fell, others;
  size_t falls = 0;
  for (const Told& run : runs) {
    const SpaceStory& story = run.backbone;
    const Cause cause = story.fall.cause();
    if (!story.enough()) {
      others.add("not enough looks to tell in", run.name);
    } else if (cause == Cause::none) {
      others.add("it did not fall in", run.name);
    } else {
      ++falls;
      fell.add(cause == Cause::norms        ? "by shrinking norms in"
               : cause == Cause::directions ? "by directions drawing together in"
               : cause == Cause::uneven     ? "by norms growing alike in"
                                            : "for several causes in",
               run.name);
    }
  }
  return fmt::format("The backbone's std fell in {} of {} runs{}{}{}{}.", falls, runs.size(), fell.empty() ? "" : ": ",
                     fell.str(), others.empty() ? "" : "; ", others.str());
}

std::string sentence_on_collapse(const std::vector<Told>& runs) {
  Groups collapsed, others;
  for (const Told& run : runs) {
    const std::string spaces = collapsed_spaces(run.backbone, run.projection);
    if (!run.backbone.enough() || !run.backbone.verdict)
      others.add("it can't be told of", run.name);
    else if (!spaces.empty())
      collapsed.add(fmt::format("in the {},", spaces), run.name);
    else if (run.backbone.never_spread || run.projection.never_spread)
      others.add("features that never spread out are no collapse:", run.name);
  }
  return fmt::format("{}{}{}{}.",
                     collapsed.empty() ? "No run collapsed, by the monitor's rule"
                                       : "Collapsed at the last look, by the monitor's rule: ",
                     collapsed.str(), others.empty() ? "" : "; ", others.str());
}

std::string sentence_on_misleading_std(const std::vector<Told>& runs) {
  std::vector<std::string> names;
  for (const Told& run : runs)
    if (run.backbone.misleading_std()) names.push_back(run.name);
  if (names.empty()) return {};
  return fmt::format(
      "In {} the backbone's std fell with its norms, while its directions did not narrow: mean cosine did not rise, "
      "and "
      "effective rank did not fall. Read alone, the std of features that aren't normalised would have passed for "
      "collapse.",
      fmt::join(names, ", "));
}

std::string sentence_on_knn(const std::vector<NamedRun>& runs) {
  Groups groups;
  for (const NamedRun& run : runs) {
    const KnnStory story = knn_story(run.events);
    if (!story.measured() || story.epochs.back() == 0 || !std::isfinite(story.untrained.top1)) continue;
    switch (compare(story.scores.back(), story.untrained)) {
      case Difference::higher:
        groups.add("above it in", run.name);
        break;
      case Difference::lower:
        groups.add("below it in", run.name);
        break;
      case Difference::none:
        groups.add("no different in", run.name);
        break;
      case Difference::unknown:
        groups.add("can't be told in", run.name);
        break;
    }
  }
  return groups.empty() ? std::string() : fmt::format("kNN top-1 beside the untrained network's: {}.", groups.str());
}

}  // namespace

std::vector<std::string> run_overview(const std::vector<NamedRun>& runs) {
  std::vector<Told> told;
  told.reserve(runs.size());
  for (const NamedRun& run : runs)
    told.push_back({run.name, space_story("backbone", looks_at(run.events, "backbone")),
                    space_story("projection", looks_at(run.events, "projection"))});
  std::vector<std::string> sentences = {sentence_on_std(told), sentence_on_collapse(told),
                                        sentence_on_misleading_std(told), sentence_on_knn(runs)};
  std::erase(sentences, "");
  return sentences;
}

}  // namespace minissl
