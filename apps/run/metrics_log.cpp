#include "apps/run/metrics_log.h"

#include <cerrno>
#include <cmath>
#include <cstring>
#include <fcntl.h>
#include <limits>
#include <string_view>
#include <unistd.h>

#include "apps/run/json_text.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tensor/write_fully.h"

namespace minissl {
namespace {

Json to_json(const CollapseMetrics& spread) {
  return {{"std", spread.std},
          {"mean_cos", spread.mean_cos},
          {"eff_rank", spread.eff_rank},
          {"std_normalized", spread.std_normalized},
          {"norm", spread.norm},
          {"count", spread.count},
          {"dim", spread.dim}};
}

/// A number of epochs done: whole unless the run ended within one.
Json epochs(double done) {
  const auto whole = static_cast<int64_t>(done);
  return static_cast<double>(whole) == done ? Json(whole) : Json(done);
}

void add_terms(Json& event, const std::vector<std::pair<std::string, double>>& terms) {
  for (const auto& [name, value] : terms) event["loss/" + name] = value;
}

std::optional<int64_t> step_of(const Json& event) {
  if (!is_event(event, "step")) return std::nullopt;
  return event.at("step").get<int64_t>();
}

bool is_valid(const Json& event) {
  if (!event.is_object() || !event.contains("event") || !event.at("event").is_string()) return false;
  return !is_event(event, "step") || (event.contains("step") && event.at("step").is_number_integer());
}

/// Calls visit(event, offset of the line) for each line until it returns false.
template <class Visit>
void for_each_event(const std::filesystem::path& path, std::string_view text, Visit visit) {
  int64_t line_number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t newline = text.find('\n', begin);
    const std::string_view line = text.substr(begin, newline == text.npos ? text.npos : newline - begin);
    ++line_number;
    if (!line.empty()) {
      Json event = Json::parse(line, /*callback=*/nullptr, /*allow_exceptions=*/false);
      // No proper prefix of a JSON object is valid JSON, so a truncated line always fails to parse.
      if (event.is_discarded() && newline == text.npos) return;
      require(is_valid(event), "{}: line {} is not an event of a run; delete the line, or restore the file",
              path.string(), line_number);
      if (!visit(std::move(event), begin)) return;
    }
    if (newline == text.npos) return;
    begin = newline + 1;
  }
}

bool ends_epoch(const Json& event) {
  return is_event(event, "epoch") || is_event(event, "monitor") || is_event(event, "eval");
}

/// The part of the log that a checkpoint includes; sets `last_step` to the last step in it.
std::string history_until(const std::filesystem::path& path, const std::string& text, const LogPosition& position,
                          std::optional<int64_t>& last_step) {
  std::string kept;
  for_each_event(path, text, [&](const Json& event, size_t begin) {
    const std::optional<int64_t> step = step_of(event);
    if (step && *step >= position.steps) return false;
    if (step) last_step = step;
    if (last_step == position.steps - 1 && ends_epoch(event) && !position.epoch_ended) return true;
    const size_t end = text.find('\n', begin);
    kept.append(text, begin, end == text.npos ? text.npos : end - begin).push_back('\n');
    return true;
  });
  return kept;
}

}  // namespace

Json to_json(const StepEvent& event) {
  Json json = {{"event", "step"}, {"step", event.step}, {"epoch", event.epoch}, {"loss", event.loss}};
  add_terms(json, event.terms);
  json["lr"] = event.lr;
  json["images_per_s"] = event.images_per_s;
  json["seconds"] = event.seconds;
  return json;
}

Json to_json(const EpochEvent& event) {
  Json json = {{"event", "epoch"}, {"epoch", event.epoch}, {"loss", event.loss}};
  add_terms(json, event.terms);
  if (event.steps < event.of_steps) json["steps"] = event.steps, json["of_steps"] = event.of_steps;
  return json;
}

Json to_json(const MonitorEvent& event) {
  Json json = {{"event", "monitor"}, {"epoch", epochs(event.epoch)}};
  for (const auto& [space, metrics] : event.spaces) json[space] = to_json(metrics);
  json["verdict"] = event.verdict;
  return json;
}

Json to_json(const EvalEvent& event) {
  Json json = {{"event", "eval"}, {"epoch", epochs(event.epoch)}, {"knn_top1", event.knn_top1}};
  if (event.n_test > 0) json["n_test"] = event.n_test;
  if (event.untrained) json["baseline"]["untrained"] = *event.untrained;
  if (event.pixels) json["baseline"]["pixels"] = *event.pixels;
  return json;
}

Json to_json(const MemoryEvent& event) {
  Json json = {{"event", "memory"},
               {"device", event.device},
               {"peak_bytes", event.usage.peak},
               {"reserved_bytes", event.usage.reserved}};
  for (int i = 0; i < memory_tag_count; ++i) {
    const auto tag = static_cast<size_t>(i);
    json["tags"][name_of(static_cast<MemoryTag>(i))] = {{"live_bytes", event.usage.live_by_tag[tag]},
                                                        {"peak_bytes", event.usage.peak_by_tag[tag]},
                                                        {"at_peak_bytes", event.usage.at_peak_by_tag[tag]}};
  }
  return json;
}

MetricsLog::MetricsLog(std::filesystem::path path) : path_(std::move(path)) { open(O_TRUNC); }

MetricsLog::MetricsLog(std::filesystem::path path, const LogPosition& position) : path_(std::move(path)) {
  const std::string text = read_file(path_);
  const std::string kept = history_until(path_, text, position, last_step_);
  require(position.steps == 0 || last_step_ == position.steps - 1,
          "{}: the checkpoint is after step {}, but the steps here end with {}; restore the file, or start another run",
          path_.string(), position.steps - 1, last_step_ ? fmt::to_string(*last_step_) : "none");
  if (kept != text) write_file(path_, kept);
  open(0);
}

void MetricsLog::open(int flags) {
  descriptor_ = ::open(path_.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | flags, 0644);
  if (descriptor_ < 0) fail_with_errno("can't open");
}

MetricsLog::~MetricsLog() {
  if (descriptor_ >= 0) close(descriptor_);
}

void MetricsLog::append(const Json& event) {
  const std::string line = json_text(event) + '\n';
  require(is_valid(event), "{}: not an event of a run: {}", path_.string(), line);
  if (const std::optional<int64_t> step = step_of(event)) {
    require(!last_step_ || *step == *last_step_ + 1, "{}: step {} can't follow step {}", path_.string(), *step,
            last_step_.value_or(0));
    last_step_ = step;
  }
  if (!write_fully(descriptor_, line.data(), line.size())) fail_with_errno("can't write");
}

void MetricsLog::sync() {
  // A pipe or a device can't be synced and needn't be.
  if (fdatasync(descriptor_) != 0 && errno != EINVAL && errno != EROFS) fail_with_errno("can't write");
}

void MetricsLog::fail_with_errno(const char* what) const {
  const int error = errno;
  const char* advice = error == ENOSPC || error == EDQUOT ? "; free some space, then go on with --resume" : "";
  fail("{}: {}: {}{}", path_.string(), what, std::strerror(error), advice);
}

std::vector<Json> read_metrics(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  std::vector<Json> events;
  for_each_event(path, text, [&](Json&& event, size_t) {
    events.push_back(std::move(event));
    return true;
  });
  return events;
}

CollapseMetrics collapse_metrics_of(const Json& monitor_event, const char* space) {
  const auto found = monitor_event.find(space);
  const Json none = Json::object();
  const Json& figures = found != monitor_event.end() && found->is_object() ? *found : none;
  const auto whole = [&](const char* field) {
    const double value = number(figures, field);
    return std::isfinite(value) ? static_cast<int64_t>(value) : 0;
  };
  return {.std = number(figures, "std"),
          .mean_cos = number(figures, "mean_cos"),
          .eff_rank = number(figures, "eff_rank"),
          .std_normalized = number(figures, "std_normalized"),
          .norm = number(figures, "norm"),
          .count = whole("count"),
          .dim = whole("dim")};
}

double number(const Json& event, const char* field) {
  const auto found = event.find(field);
  return found != event.end() && found->is_number() ? found->get<double>() : std::numeric_limits<double>::quiet_NaN();
}

std::vector<std::string> loss_terms(const Json& step) {
  constexpr std::string_view prefix = "loss/";
  std::vector<std::string> names;
  for (const auto& [field, value] : step.items())
    if (field.starts_with(prefix)) names.push_back(field.substr(prefix.size()));
  return names;
}

double epochs_done(const Json& epoch_event) {
  const double part = number(epoch_event, "steps") / number(epoch_event, "of_steps");
  return number(epoch_event, "epoch") + (std::isfinite(part) ? part : 1);
}

bool is_event(const Json& event, const char* kind) {
  const auto found = event.find("event");
  return found != event.end() && found->is_string() && found->get_ref<const std::string&>() == kind;
}

}  // namespace minissl
