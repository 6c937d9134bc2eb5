#include "apps/run/progress.h"

#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fmt/format.h>
#include <limits>
#include <sys/ioctl.h>
#include <tuple>
#include <utility>
#include <vector>

#include "tensor/write_fully.h"

namespace minissl {
namespace {

constexpr std::string_view clear_line = "\r\x1b[K";
constexpr int widest_bar = 30, narrowest_bar = 8;
constexpr int unlimited = std::numeric_limits<int>::max();

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

/// Terminal columns, one per character. Our output has no wide characters.
int columns(std::string_view text) {
  return static_cast<int>(std::count_if(text.begin(), text.end(), [](char c) { return !continues_character(c); }));
}

std::string truncated(std::string_view text, int width) {
  size_t end = 0;
  for (int used = 0; end < text.size(); ++end)
    if (!continues_character(text[end]) && used++ == width) break;
  return std::string(text.substr(0, end));
}

/// Control characters (a newline in a file name) would break the one-line display.
std::string printable(std::string_view text) {
  std::string result(text);
  for (char& c : result)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  return result;
}

std::string bar_of(double fraction, int width, bool unicode) {
  const int full = static_cast<int>(fraction * width);
  std::string bar;
  for (int i = 0; i < width; ++i) bar += unicode ? (i < full ? "━" : "╌") : (i < full ? "#" : "-");
  return unicode ? bar : "[" + bar + "]";
}

bool locale_is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view locale(value);
    return locale.find("UTF-8") != locale.npos || locale.find("utf8") != locale.npos;
  }
  return false;
}

double monotonic_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string format_duration(double seconds) {
  const auto total = static_cast<int64_t>(std::max(0.0, seconds) + 0.5);
  const int64_t hours = total / 3600, minutes = total / 60 % 60, rest = total % 60;
  if (hours > 0) return fmt::format("{}:{:02}:{:02} h", hours, minutes, rest);
  if (minutes > 0) return fmt::format("{}:{:02} min", minutes, rest);
  return fmt::format("{} s", rest);
}

std::string progress_line(const ProgressState& state, int width, bool bar, bool unicode) {
  const double fraction =
      state.total > 0 ? std::clamp(static_cast<double>(state.done) / static_cast<double>(state.total), 0.0, 1.0) : 0;
  std::vector<std::string> parts;
  if (state.total > 0) parts.push_back(fmt::format("{:3}%", static_cast<int>(fraction * 100)));
  parts.push_back(state.total > 0 ? fmt::format("{} {}/{}", state.unit, state.done, state.total)
                                  : fmt::format("{} {}", state.unit, state.done));
  if (!state.status.empty()) parts.push_back(printable(state.status));
  const size_t needed = parts.size();
  if (state.seconds_left >= 0 && state.done < state.total)
    parts.push_back(format_duration(state.seconds_left) + " left");
  if (state.images_per_s > 0)
    parts.insert(parts.begin() + static_cast<std::ptrdiff_t>(needed),
                 fmt::format("{:.{}f} images/s", state.images_per_s, state.images_per_s < 10 ? 1 : 0));

  const auto joined = [&] { return fmt::format("{}", fmt::join(parts, "  ")); };
  const bool whole = columns(joined()) <= width;
  // A truncated number misleads, so optional parts are dropped whole, the speed before the time left.
  while (columns(joined()) > width && parts.size() > needed)
    parts.erase(parts.begin() + static_cast<std::ptrdiff_t>(needed));
  const int room = width - columns(joined()) - (unicode ? 2 : 4);
  if (bar && whole && state.total > 0 && room >= narrowest_bar)
    parts.insert(parts.begin() + 1, bar_of(fraction, std::min(room, widest_bar), unicode));
  return truncated(joined(), width);
}

Progress::Progress(int64_t total, std::string unit, ProgressOptions options)
    : options_(std::move(options)), unicode_(locale_is_utf8()) {
  if (!options_.clock) options_.clock = monotonic_seconds;
  const char* term = std::getenv("TERM");
  terminal_ = isatty(options_.descriptor) == 1 && term != nullptr && std::string_view(term) != "dumb";
  state_.unit = std::move(unit);
  state_.total = total;
}

Progress::~Progress() {
  try {
    finish();
  } catch (const std::exception&) {
    // Without memory there is no last line; that must not end the program.
  }
}

void Progress::update(int64_t done, std::string_view status, double images_per_s) {
  const std::lock_guard lock(mutex_);
  if (finished_) return;
  const double now = options_.clock();
  if (!started_) {
    first_time_ = now;
    first_done_ = done;
  }
  state_.done = done;
  state_.status = status;
  state_.images_per_s = images_per_s;
  state_.seconds_left =
      done > first_done_ && state_.total > done
          ? (now - first_time_) * static_cast<double>(state_.total - done) / static_cast<double>(done - first_done_)
          : -1;
  pending_ = true;
  const double interval = terminal_ ? options_.redraw_interval_s : options_.line_interval_s;
  if (started_ && now - last_output_ < interval) return;
  started_ = true;
  last_output_ = now;
  terminal_ ? draw() : write_line();
}

void Progress::log(std::string_view text) {
  const std::lock_guard lock(mutex_);
  const bool redraw = drawn_ && !finished_;
  write(fmt::format("{}{}\n", redraw ? clear_line : "", text));
  if (redraw) draw();
}

void Progress::finish() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(finished_, true) || !started_) return;
  if (terminal_) {
    draw();
    write("\n");
  } else if (pending_) {
    write_line();
  }
}

void Progress::draw() {
  // The last column stays empty, because a character there makes some terminals wrap.
  write(fmt::format("{}{}", clear_line, progress_line(state_, terminal_columns() - 1, /*bar=*/true, unicode_)));
  drawn_ = true;
  pending_ = false;
}

void Progress::write_line() {
  write(progress_line(state_, unlimited, /*bar=*/false, unicode_) + "\n");
  pending_ = false;
}

void Progress::write(std::string_view text) const {
  // A closed standard error must not stop the run.
  std::ignore = write_fully(options_.descriptor, text.data(), text.size());
}

int Progress::terminal_columns() const {
  winsize size{};
  if (ioctl(options_.descriptor, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return 80;
  return size.ws_col;
}

}  // namespace minissl
