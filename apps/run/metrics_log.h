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

/// JSON that preserves the order of its keys.
using Json = nlohmann::ordered_json;

/// One optimizer step.
struct StepEvent {
  int64_t step = 0;   ///< counted over the whole run
  int64_t epoch = 0;  ///< the step's epoch, from 0
  double loss = 0;
  std::vector<std::pair<std::string, double>> terms = {};  ///< parts of the loss, written as "loss/<name>"
  double lr = 0;
  double images_per_s = 0;
  double seconds = 0;  ///< since the run started or resumed
};

/// The end of an epoch: the mean loss of its steps, and of each term.
struct EpochEvent {
  int64_t epoch = 0;  ///< from 0, as in StepEvent
  double loss = 0;
  std::vector<std::pair<std::string, double>> terms = {};
  int64_t steps = 0, of_steps = 0;  ///< if the run ended within the epoch: its steps so far, and those of a whole epoch
};

/// A look of the collapse monitor. The verdict starts with "healthy" if all is well and contains "collaps" after a
/// collapse; anything else counts as a warning (verdict.h chooses the colour).
struct MonitorEvent {
  double epoch = 0;  ///< epochs done, 0 before the first step; 1.5: within the second
  std::vector<std::pair<std::string, CollapseMetrics>> spaces = {};  ///< "backbone" first
  std::string verdict = {};
};

/// k-nearest-neighbour accuracy, from 0 to 1, with its baselines.
struct EvalEvent {
  double epoch = 0;  ///< epochs done, as in MonitorEvent
  double knn_top1 = 0;
  int64_t n_test = 0;                    ///< number of test images; 0: unknown
  std::optional<double> untrained = {};  ///< the same network before its first step
  std::optional<double> pixels = {};     ///< neighbours by raw pixels
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

/// A place in a log that a checkpoint counts on.
struct LogPosition {
  int64_t steps = 0;        ///< the log has at least these steps
  bool epoch_ended = true;  ///< whether the events at the end of the last step's epoch, if it ended, are kept
};

/// Appends to metrics.jsonl: one JSON object per line, handed to the system when append() returns. Finite numbers read
/// back as the same double; NaN and infinity are written as null. append() rejects repeated or skipped step numbers.
/// Every failure, including a full disk, throws Error naming the file.
class MetricsLog {
 public:
  /// Starts an empty log, and replaces an existing one.
  explicit MetricsLog(std::filesystem::path path);
  /// Goes on after a checkpoint: cuts off, atomically, the first later step and everything after it, a half-written
  /// last line, and what else the position says. So write a checkpoint after the events of its step, and call sync()
  /// before it. Throws Error if the log lacks steps that the checkpoint includes.
  MetricsLog(std::filesystem::path path, const LogPosition& position);
  ~MetricsLog();
  MetricsLog(const MetricsLog&) = delete;
  MetricsLog& operator=(const MetricsLog&) = delete;

  void append(const Json& event);
  template <class Event>
  void append(const Event& event) {
    append(to_json(event));
  }
  /// Flushes the log to the disk.
  void sync();

 private:
  void open(int flags);
  [[noreturn]] void fail_with_errno(const char* what) const;

  std::filesystem::path path_;
  int descriptor_ = -1;
  std::optional<int64_t> last_step_;
};

/// All events of a metrics.jsonl. A half-written last line is ignored; throws Error with the line number for any other
/// line that isn't an event.
std::vector<Json> read_metrics(const std::filesystem::path& path);

/// The metrics of a space, such as "backbone", in a monitor event: NaN (count and dim: 0) if missing.
CollapseMetrics collapse_metrics_of(const Json& monitor_event, const char* space);

/// A number from an event; NaN if the field is missing or null.
double number(const Json& event, const char* field);
/// The names of a step's loss terms, in order.
std::vector<std::string> loss_terms(const Json& step);
/// The number of epochs done at an "epoch" event.
double epochs_done(const Json& epoch_event);
/// Whether the event's "event" field is `kind`.
bool is_event(const Json& event, const char* kind);

}  // namespace minissl
