#pragma once
#include <cstdint>
#include <functional>
#include <mutex>
#include <string>
#include <string_view>
#include <unistd.h>

namespace minissl {

/// The state of a task.
struct ProgressState {
  std::string unit = {};  ///< unit of `done` and `total`: "step", "image"
  int64_t done = 0;
  int64_t total = 0;         ///< 0: unknown
  std::string status = {};   ///< "epoch 3/100  loss 5.123"
  double images_per_s = 0;   ///< 0: not shown
  double seconds_left = -1;  ///< negative: unknown
};

/// The state as one line of at most `width` columns: percentage, bar, count, status, speed, time left. If there is no
/// room, the bar shrinks and disappears first, then speed and time left. `bar` false: no bar, as in a log file.
std::string progress_line(const ProgressState& state, int width, bool bar, bool unicode);

/// "45 s", "3:07 min", "2:03:07 h"
std::string format_duration(double seconds);

struct ProgressOptions {
  int descriptor = STDERR_FILENO;
  double redraw_interval_s = 0.1;  ///< on a terminal
  double line_interval_s = 5;      ///< elsewhere
  /// The clock, in seconds from any origin; empty: the machine's monotonic one.
  std::function<double()> clock = {};
};

/// Shows progress: on a terminal one line that is rewritten in place, elsewhere (a pipe, a file, TERM=dumb) plain
/// lines, at most one every five seconds and always the last. Safe to call from several threads.
class Progress {
 public:
  Progress(int64_t total, std::string unit, ProgressOptions options = {});
  /// Calls finish().
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// `done` has the unit of `total`. The remaining time is extrapolated from the first update, so a resumed run may
  /// start anywhere.
  void update(int64_t done, std::string_view status, double images_per_s = 0);
  /// Prints a separate line, on a terminal above the bar. While this object lives, commands must print to standard
  /// error through this function.
  void log(std::string_view text);
  /// Leaves the last state as an ordinary line. Later calls do nothing.
  void finish();

 private:
  void draw();
  void write_line();
  void write(std::string_view text) const;
  int terminal_columns() const;

  ProgressOptions options_;
  std::mutex mutex_;
  ProgressState state_;
  bool terminal_, unicode_;
  bool started_ = false, finished_ = false, pending_ = false, drawn_ = false;
  double first_time_ = 0, last_output_ = 0;
  int64_t first_done_ = 0;
};

}  // namespace minissl
