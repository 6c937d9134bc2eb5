#pragma once
#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "eval/collapse.h"
#include "tensor/memory.h"

namespace minissl {

/// JSON that keeps its keys in the order they were written.
using Json = nlohmann::ordered_json;

/// One optimizer step.
struct StepEvent {
  int64_t step = 0;   ///< counted over the whole run
  int64_t epoch = 0;  ///< the epoch that the step belongs to, from 0
  double loss = 0;
  std::vector<std::pair<std::string, double>> terms = {};  ///< parts of the loss, written as "loss/<name>"
  double lr = 0;
  double images_per_s = 0;
  double seconds = 0;  ///< since the run (or its resumption) began
};

/// The end of an epoch: the mean loss of its steps, and of each term.
struct EpochEvent {
  int64_t epoch = 0;  ///< from 0, as in StepEvent
  double loss = 0;
  std::vector<std::pair<std::string, double>> terms = {};
};

/// A look of the collapse monitor. The verdict starts with "healthy" when all is well and has "collaps" in it when it
/// isn't (verdict.h colours by that; anything else counts as a warning).
struct MonitorEvent {
  int64_t epoch = 0;                                                 ///< epochs done; 0 before the first step
  std::vector<std::pair<std::string, CollapseMetrics>> spaces = {};  ///< "backbone" first
  std::string verdict = {};
};

/// k-nearest-neighbour accuracy, from 0 to 1, beside what it has to beat.
struct EvalEvent {
  int64_t epoch = 0;  ///< epochs done
  double knn_top1 = 0;
  int64_t n_test = 0;                    ///< images that it is the share of; 0: not known
  std::optional<double> untrained = {};  ///< the same network before its first step
  std::optional<double> pixels = {};     ///< neighbours of the raw pixels
};

/// Bytes by tag (tensor/memory.h).
struct MemoryEvent {
  std::string device = {};
  MemoryUsage usage = {};
};

Json to_json(const StepEvent& event);
Json to_json(const EpochEvent& event);
Json to_json(const MonitorEvent& event);
Json to_json(const EvalEvent& event);
Json to_json(const MemoryEvent& event);

/// Appends to metrics.jsonl: one JSON object a line, out of the process when append() returns. Finite numbers read back
/// to the same double; NaN and infinity are written as null. Step numbers neither repeat nor skip: append() refuses.
/// Every failure is an Error naming the file, a full disk included.
class MetricsLog {
 public:
  /// Without `resume_after_step` starts an empty log, in place of one that was there. With it, goes on after the
  /// checkpoint of that step: the first later step and everything behind it is cut off (atomically), a half-written
  /// last line too. So a checkpoint is to be written after the events of its step, and sync() before it.
  /// Throws Error when the log lacks steps that the checkpoint has seen.
  explicit MetricsLog(std::filesystem::path path, std::optional<int64_t> resume_after_step = std::nullopt);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  void append(const Json& event);
  template <class Event>
  void append(const Event& event) {
    append(to_json(event));
  }
  /// On the disk, not only in the system's hands, when this returns.
  void sync();

 private:
  [[noreturn]] void fail_with_errno(const char* what) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::optional<int64_t> last_step_;
};

/// All events of a metrics.jsonl. A half-written last line is left out; throws Error with the line number for anything
/// else that isn't an event.
std::vector<Json> read_metrics(const std::filesystem::path& path);

/// The figures of a look of the monitor at a space, such as "backbone": NaN (count and dim: 0) where they are missing.
CollapseMetrics collapse_metrics_of(const Json& monitor_event, const char* space);

/// A number of an event; NaN when the field is missing or null.
double number(const Json& event, const char* field);
/// Whether the event is of that kind: its "event" field.
bool is_event(const Json& event, const char* kind);

}  // namespace minissl
