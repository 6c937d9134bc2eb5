#include "apps/run/run_contrast.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <fmt/format.h>
#include <optional>
#include <utility>

#include "apps/run/collapse_story.h"
#include "apps/run/curves.h"
#include "apps/run/knn_story.h"

namespace minissl {
namespace {

/// The settings that could explain a difference between two runs. If the methods differ, a setting that only one of
/// them has belongs to the method.
std::vector<const SettingDifference*> differences_of(const std::vector<SettingDifference>& all, size_t a, size_t b) {
  const auto method = std::find_if(all.begin(), all.end(), [](const auto& d) { return d.key == "method"; });
  const bool different_methods = method != all.end() && method->values[a] != method->values[b];
  std::vector<const SettingDifference*> found;
  for (const SettingDifference& difference : all) {
    const std::string &x = difference.values[a], &y = difference.values[b];
    const bool of_the_method = different_methods && (x.empty() || y.empty());
    if (affects_figures(difference.key) && !of_the_method && !same_setting(x, y)) found.push_back(&difference);
  }
  return found;
}

/// The indices of the last epoch that is in both lists.
std::optional<std::pair<size_t, size_t>> last_common(const std::vector<double>& a, const std::vector<double>& b) {
  for (size_t i = a.size(); i-- > 0;)
    if (const auto found = std::find(b.begin(), b.end(), a[i]); found != b.end())
      return std::pair(i, static_cast<size_t>(found - b.begin()));
  return std::nullopt;
}

Looks first_looks(Looks looks, size_t count) {
  looks.epochs.resize(count);
  looks.metrics.resize(count);
  return looks;
}

/// "0.61 against 0.21", or that they are about the same.
std::string pair_of(double value, double than, bool same) {
  return same ? fmt::format("about the same ({} and {})", format_number(value), format_number(than))
              : fmt::format("{} against {}", format_number(value), format_number(than));
}

std::string words_for_std(const CollapseMetrics& from, const CollapseMetrics& to) {
  const SpreadChange change = change_between(from, to);
  std::string text = pair_of(to.std, from.std, change.cause() == Cause::none);
  const std::string parts =
      fmt::format("norm ×{}, std_normalized ×{}", format_number(change.norm), format_number(change.directions));
  switch (change.cause()) {
    case Cause::none:
      if (!about_the_same(change.norm) || !about_the_same(change.directions))
        text += fmt::format(", though made up differently ({})", parts);
      return text;
    case Cause::norms:
      return fmt::format("{}, by the norms ({})", text, parts);
    case Cause::directions:
      return fmt::format("{}, by the directions ({})", text, parts);
    case Cause::uneven:
      return fmt::format("{}, by how unequal the norms of different images are ({})", text, parts);
    case Cause::several:
      break;
  }
  return fmt::format("{}, for several causes ({})", text, parts);
}

std::string words_for_space(const CollapseMetrics& from, const CollapseMetrics& to) {
  if (from.dim != to.dim || from.count != to.count)
    return "Looked at in other numbers of images or dimensions, which don't compare.";
  return fmt::format("Std {}; mean cosine {}; effective rank {}.", words_for_std(from, to),
                     pair_of(to.mean_cos, from.mean_cos, same_cosine(from.mean_cos, to.mean_cos)),
                     pair_of(to.eff_rank, from.eff_rank, about_the_same(to.eff_rank / from.eff_rank)));
}

std::string sentence_on_collapse(const std::string& from, const std::string& from_spaces, const std::string& to,
                                 const std::string& to_spaces) {
  if (from_spaces.empty() && to_spaces.empty()) return "Neither had collapsed.";
  if (from_spaces == to_spaces) return fmt::format("Both had collapsed ({}).", to_spaces);
  const auto state = [](const std::string& spaces) {
    return spaces.empty() ? std::string("had not collapsed") : fmt::format("had collapsed ({})", spaces);
  };
  return fmt::format("{} {}; {} {}.", from, state(from_spaces), to, state(to_spaces));
}

/// Compares both runs up to the last epoch measured in both.
std::vector<LabelledText> texts_on_looks(const NamedRun& from, const NamedRun& to) {
  std::vector<LabelledText> texts;
  std::vector<SpaceStory> from_stories, to_stories;
  for (const auto& [space, label] : {std::pair{"backbone", "Backbone"}, {"projection", "Projection"}}) {
    const Looks a = looks_at(from.events, space), b = looks_at(to.events, space);
    const auto common = last_common(a.epochs, b.epochs);
    if (!common || a.epochs[common->first] == 0) {
      texts.push_back({label, "The monitor never looked at both after the same epoch of training."});
      continue;
    }
    texts.push_back({fmt::format("{} after epoch {}", label, format_number(a.epochs[common->first])),
                     words_for_space(a.metrics[common->first], b.metrics[common->second])});
    from_stories.push_back(space_story(space, first_looks(a, common->first + 1)));
    to_stories.push_back(space_story(space, first_looks(b, common->second + 1)));
  }
  const auto can_tell = [](const std::vector<SpaceStory>& stories) {
    return stories.size() == 2 && std::all_of(stories.begin(), stories.end(),
                                              [](const SpaceStory& story) { return story.enough() && story.verdict; });
  };
  if (can_tell(from_stories) && can_tell(to_stories))
    texts.push_back({"Collapse", sentence_on_collapse(from.name, collapsed_spaces(from_stories[0], from_stories[1]),
                                                      to.name, collapsed_spaces(to_stories[0], to_stories[1]))});
  else
    texts.push_back({"Collapse", "Not enough looks to tell."});
  return texts;
}

LabelledText text_on_knn(const NamedRun& from, const NamedRun& to) {
  const KnnStory a = knn_story(from.events), b = knn_story(to.events);
  const auto common = last_common(a.epochs, b.epochs);
  if (!common || a.epochs[common->first] == 0)
    return {"kNN top-1", "Not measured of both after the same epoch of training."};
  const Score &score = b.scores[common->second], &than = a.scores[common->first];
  return {fmt::format("kNN top-1 after epoch {}", format_number(a.epochs[common->first])),
          fmt::format("{}, {}.", format_percent(score.top1), words_for(score, than, from.name))};
}

}  // namespace

Contrasts contrasts_between(const std::vector<NamedRun>& runs) {
  const std::vector<SettingDifference> all = differing_settings(runs);
  Contrasts contrasts;
  for (const SettingDifference& difference : all) {
    if (!affects_figures(difference.key)) continue;
    bool alone = false;
    for (size_t a = 0; a < runs.size(); ++a)
      for (size_t b = a + 1; b < runs.size(); ++b) {
        const auto found = differences_of(all, a, b);
        if (runs[a].config.empty() || runs[b].config.empty() || found.size() != 1 || found[0] != &difference) continue;
        const std::string &x = difference.values[a], &y = difference.values[b];
        contrasts.pairs.push_back(setting_precedes(x, y) ? Contrast{difference.key, x, y, a, b}
                                                         : Contrast{difference.key, y, x, b, a});
        alone = true;
      }
    if (!alone) contrasts.only_together.push_back(difference.key);
  }
  return contrasts;
}

std::string contrast_heading(const std::string& key) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> known{
      {{"variance-weight", "What the variance term changed"},
       {"bn", "What split batch normalisation changed"},
       {"method", "What the method changed"},
       {"seed", "What another seed changed"}}};
  for (const auto& [name, words] : known)
    if (name == key) return std::string(words);
  return fmt::format("What {} changed", key);
}

std::vector<LabelledText> texts_on(const Contrast& contrast, const std::vector<NamedRun>& runs) {
  const NamedRun &from = runs[contrast.from], &to = runs[contrast.to];
  std::vector<LabelledText> texts = texts_on_looks(from, to);
  texts.push_back(text_on_knn(from, to));
  return texts;
}

}  // namespace minissl
