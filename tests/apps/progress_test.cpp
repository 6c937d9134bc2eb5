#include "apps/run/progress.h"

#include <algorithm>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <vector>

#include "tensor/error.h"

namespace minissl {
namespace {

int columns(const std::string& text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    lines.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return lines;
}

/// A pipe or a terminal to write to, a settable clock, and the output.
class Output {
 public:
  static Output pipe() {
    int ends[2];
    require(::pipe2(ends, O_NONBLOCK) == 0, "no pipe");
    return {ends[0], ends[1]};
  }
  static Output terminal(unsigned short width) {
    const int controller = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    require(controller >= 0 && grantpt(controller) == 0 && unlockpt(controller) == 0, "no pseudo-terminal");
    const int descriptor = open(ptsname(controller), O_RDWR | O_NOCTTY);
    winsize size{24, width, 0, 0};
    require(descriptor >= 0 && ioctl(descriptor, TIOCSWINSZ, &size) == 0, "no pseudo-terminal");
    return {controller, descriptor};
  }
  ~Output() {
    close(reader_);
    close(writer_);
  }

  ProgressOptions options() const {
    return {.descriptor = writer_, .clock = [this] { return now; }};
  }
  std::string read() const {
    std::string text;
    char buffer[4096];
    for (ssize_t count; (count = ::read(reader_, buffer, sizeof buffer)) > 0;)
      text.append(buffer, static_cast<size_t>(count));
    std::erase(text, '\r');  // the terminal's own, before each newline, and the cursor's way back
    return text;
  }
  /// The terminal's contents: "\r\x1b[K" restarts the line.
  std::vector<std::string> screen() const {
    std::vector<std::string> shown;
    for (std::string line : lines_of(read())) {
      const size_t cleared = line.rfind("\x1b[K");
      shown.push_back(cleared == line.npos ? line : line.substr(cleared + 3));
    }
    return shown;
  }

  double now = 100;

 private:
  Output(int reader, int writer) : reader_(reader), writer_(writer) {}
  int reader_, writer_;
};

class ProgressTest : public testing::Test {
 protected:
  void SetUp() override {
    setenv("TERM", "xterm", 1);
    setenv("LC_ALL", "C.UTF-8", 1);
  }
};

TEST_F(ProgressTest, ALineNeverExceedsItsWidth) {
  ProgressState state{.unit = "step",
                      .done = 1234,
                      .total = 5000,
                      .status = "epoch 3/100  loss 5.123 ü",
                      .images_per_s = 812.4,
                      .seconds_left = 754};
  for (bool unicode : {true, false})
    for (int width = 0; width <= 160; ++width)
      EXPECT_LE(columns(progress_line(state, width, true, unicode)), width) << width;
  EXPECT_EQ(progress_line(state, 200, true, false),
            " 24%  [#######-----------------------]  step 1234/5000  epoch 3/100  loss 5.123 ü  812 images/s  12:34 "
            "min left");
  EXPECT_EQ(columns(progress_line(state, 100, true, true)), 100);
  EXPECT_EQ(progress_line(state, 85, true, true),
            " 24%  step 1234/5000  epoch 3/100  loss 5.123 ü  812 images/s  12:34 min left")
      << "the bar goes first";
  EXPECT_EQ(progress_line(state, 75, true, true), " 24%  step 1234/5000  epoch 3/100  loss 5.123 ü  12:34 min left");
  EXPECT_EQ(progress_line(state, 60, false, true), " 24%  step 1234/5000  epoch 3/100  loss 5.123 ü");
  EXPECT_EQ(progress_line(state, 25, false, true), " 24%  step 1234/5000  epo");
}

TEST_F(ProgressTest, TheEndIsAHundredPercentAndNotBefore) {
  EXPECT_EQ(progress_line({.unit = "step", .done = 9999, .total = 10000}, 80, false, false), " 99%  step 9999/10000");
  EXPECT_EQ(progress_line({.unit = "step", .done = 10000, .total = 10000, .seconds_left = 3}, 80, false, false),
            "100%  step 10000/10000");
  EXPECT_EQ(progress_line({.unit = "image", .done = 17}, 80, true, false), "image 17");
}

TEST_F(ProgressTest, DurationsReadNaturally) {
  EXPECT_EQ(format_duration(0.2), "0 s");
  EXPECT_EQ(format_duration(59.6), "1:00 min");
  EXPECT_EQ(format_duration(187), "3:07 min");
  EXPECT_EQ(format_duration(7387), "2:03:07 h");
}

TEST_F(ProgressTest, APipeGetsALineEveryFiveSecondsAndTheLast) {
  Output output = Output::pipe();
  {
    Progress progress(100, "step", output.options());
    for (int64_t step = 1; step <= 100; ++step) {
      output.now += 0.125;  // 12.5 s in all
      progress.update(step, fmt::format("loss {}", step));
    }
  }
  const std::vector<std::string> lines = lines_of(output.read());
  ASSERT_EQ(lines.size(), 4u);
  EXPECT_EQ(lines[0], "  1%  step 1/100  loss 1");
  EXPECT_EQ(lines[1], " 41%  step 41/100  loss 41  7 s left");
  EXPECT_EQ(lines[2], " 81%  step 81/100  loss 81  2 s left");
  EXPECT_EQ(lines[3], "100%  step 100/100  loss 100");
}

TEST_F(ProgressTest, APipeGetsNoLineTwice) {
  Output output = Output::pipe();
  Progress progress(10, "step", output.options());
  progress.update(10, "loss 1");
  progress.finish();
  progress.finish();
  progress.update(11, "too late");
  EXPECT_EQ(output.read(), "100%  step 10/10  loss 1\n");
}

TEST_F(ProgressTest, NothingDoneNothingPrinted) {
  Output output = Output::pipe();
  { Progress progress(10, "step", output.options()); }
  EXPECT_EQ(output.read(), "");
}

TEST_F(ProgressTest, TimeLeftCountsFromWhereARunWasResumed) {
  Output output = Output::pipe();
  Progress progress(1000, "step", output.options());
  progress.update(900, "");
  output.now += 10;  // ten steps in ten seconds, ninety to go
  progress.update(910, "");
  EXPECT_NE(output.read().find("1:30 min left"), std::string::npos);
}

TEST_F(ProgressTest, ATerminalHasOneLineAndTheLogAboveIt) {
  Output output = Output::terminal(80);
  Progress progress(100, "step", output.options());
  progress.update(1, "loss 5");
  output.now += 1;
  progress.update(2, "loss 4");
  progress.log("a file could not be read");
  output.now += 1;
  progress.update(50, "loss 3");
  progress.finish();
  progress.log("done");
  const std::vector<std::string> screen = output.screen();
  ASSERT_EQ(screen.size(), 3u);
  EXPECT_EQ(screen[0], "a file could not be read");
  EXPECT_EQ(screen[1].find(" 50%  ━"), 0u) << screen[1];
  EXPECT_NE(screen[1].find("step 50/100  loss 3"), std::string::npos) << screen[1];
  EXPECT_EQ(screen[2], "done");
}

TEST_F(ProgressTest, ATerminalIsNotRedrawnForEveryStepAndEndsWithTheLast) {
  Output output = Output::terminal(60);
  {
    Progress progress(1000, "step", output.options());
    for (int64_t step = 1; step <= 1000; ++step) {
      output.now += 0.001;
      progress.update(step, "loss 5.123");
    }
  }
  std::string text = output.read();
  size_t redraws = 0;
  for (size_t at = text.find("\x1b[K"); at != text.npos; at = text.find("\x1b[K", at + 1)) ++redraws;
  EXPECT_GE(redraws, 10u);
  EXPECT_LE(redraws, 12u);
  EXPECT_NE(text.find("step 1000/1000  loss 5.123\n"), std::string::npos);
}

TEST_F(ProgressTest, ANarrowTerminalIsNotOverrun) {
  Output output = Output::terminal(24);
  Progress progress(5000, "step", output.options());
  progress.update(1234, "epoch 3/100\nloss 5.123", 812);
  for (const std::string& line : output.screen()) EXPECT_LE(columns(line), 23) << line;
}

TEST_F(ProgressTest, ADumbTerminalGetsPlainLines) {
  setenv("TERM", "dumb", 1);
  Output output = Output::terminal(80);
  Progress progress(10, "step", output.options());
  progress.update(5, "loss 1");
  EXPECT_EQ(output.read(), " 50%  step 5/10  loss 1\n");
}

}  // namespace
}  // namespace minissl
