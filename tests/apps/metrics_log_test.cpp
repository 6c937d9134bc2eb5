#include "apps/run/metrics_log.h"

#include <cmath>
#include <fstream>
#include <limits>

#include "tensor/atomic_file.h"
#include "tests/apps/temporary_folder.h"

namespace minissl {
namespace {

class MetricsLogTest : public TemporaryFolder {
 protected:
  std::filesystem::path path() const { return folder_ / "metrics.jsonl"; }
  /// Steps 0 to 5 in epochs of two, each epoch followed by an epoch event and a monitor event.
  void write_run() const {
    MetricsLog log(path());
    for (int64_t step = 0; step < 6; ++step) append_step(log, step);
  }
  static void append_step(MetricsLog& log, int64_t step) {
    log.append(StepEvent{.step = step, .epoch = step / 2, .loss = 1.0 / static_cast<double>(step + 3)});
    if (step % 2 == 0) return;
    log.append(EpochEvent{.epoch = step / 2, .loss = 0.5});
    log.append(MonitorEvent{.epoch = static_cast<double>(step / 2 + 1), .verdict = "healthy"});
  }
  void append_text(const std::string& text) const { std::ofstream(path(), std::ios::app) << text; }
};

TEST_F(MetricsLogTest, WritesTheFormsThatScriptsRelyOn) {
  {
    MetricsLog log(path());
    log.append(StepEvent{.step = 12,
                         .epoch = 0,
                         .loss = 5.5,
                         .terms = {{"contrastive", 5.25}, {"variance", 0.25}},
                         .lr = 0.001,
                         .images_per_s = 800,
                         .seconds = 2.5});
    log.append(EpochEvent{.epoch = 0, .loss = 5.5, .terms = {{"variance", 0.25}}});
    log.append(MonitorEvent{
        .epoch = 5,
        .spaces =
            {{"backbone",
              {.std = 0.5,
               .mean_cos = 0.25,
               .eff_rank = 100,
               .std_normalized = 0.75,
               .norm = 9,
               .count = 2048,
               .dim = 512}},
             {"projection",
              {.std = 1, .mean_cos = 0, .eff_rank = 50, .std_normalized = 1, .norm = 11, .count = 2048, .dim = 128}}},
        .verdict = "healthy"});
    log.append(EvalEvent{.epoch = 5, .knn_top1 = 0.5});
    log.append(EvalEvent{.epoch = 5, .knn_top1 = 0.5, .n_test = 300, .untrained = 0.25, .pixels = 0.125});
  }
  EXPECT_EQ(
      read_file(path()),
      R"({"event":"step","step":12,"epoch":0,"loss":5.5,"loss/contrastive":5.25,"loss/variance":0.25,"lr":0.001,"images_per_s":800.0,"seconds":2.5}
{"event":"epoch","epoch":0,"loss":5.5,"loss/variance":0.25}
{"event":"monitor","epoch":5,"backbone":{"std":0.5,"mean_cos":0.25,"eff_rank":100.0,"std_normalized":0.75,"norm":9.0,"count":2048,"dim":512},"projection":{"std":1.0,"mean_cos":0.0,"eff_rank":50.0,"std_normalized":1.0,"norm":11.0,"count":2048,"dim":128},"verdict":"healthy"}
{"event":"eval","epoch":5,"knn_top1":0.5}
{"event":"eval","epoch":5,"knn_top1":0.5,"n_test":300,"baseline":{"untrained":0.25,"pixels":0.125}}
)");
}

TEST_F(MetricsLogTest, NumbersReadBackToTheSameDouble) {
  const std::vector<double> values = {1.0 / 3, 0.1, 6.02214076e23, 5e-324, -0.0, std::nextafter(1.0, 2.0)};
  {
    MetricsLog log(path());
    for (size_t i = 0; i < values.size(); ++i)
      log.append(StepEvent{.step = static_cast<int64_t>(i), .loss = values[i]});
  }
  const std::vector<Json> events = read_metrics(path());
  ASSERT_EQ(events.size(), values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    EXPECT_EQ(number(events[i], "loss"), values[i]);
    EXPECT_EQ(std::signbit(number(events[i], "loss")), std::signbit(values[i]));
  }
}

TEST_F(MetricsLogTest, WhatIsNotFiniteIsNullAndReadsAsNaN) {
  {
    MetricsLog log(path());
    log.append(StepEvent{.step = 0, .loss = std::nan(""), .terms = {{"a", -std::numeric_limits<double>::infinity()}}});
  }
  EXPECT_NE(read_file(path()).find(R"("loss":null,"loss/a":null)"), std::string::npos);
  EXPECT_TRUE(std::isnan(number(read_metrics(path()).at(0), "loss")));
}

TEST_F(MetricsLogTest, TextThatIsNotUtf8MakesValidJson) {
  {
    MetricsLog log(path());
    log.append(MonitorEvent{.epoch = 1, .verdict = "healthy \xff\n\""});
  }
  EXPECT_EQ(read_metrics(path()).size(), 1u);
}

TEST_F(MetricsLogTest, EveryLineIsWrittenAtOnce) {
  MetricsLog log(path());
  append_step(log, 0);
  EXPECT_EQ(read_metrics(path()).size(), 1u);
}

TEST_F(MetricsLogTest, StepsNeitherRepeatNorSkip) {
  MetricsLog log(path());
  log.append(StepEvent{.step = 7});
  EXPECT_NE(error_of([&] { log.append(StepEvent{.step = 7}); }).find("step 7 can't follow step 7"), std::string::npos);
  EXPECT_NE(error_of([&] { log.append(StepEvent{.step = 9}); }).find("step 9 can't follow step 7"), std::string::npos);
  log.append(StepEvent{.step = 8});
  EXPECT_EQ(read_metrics(path()).size(), 2u);
}

TEST_F(MetricsLogTest, AResumedRunLeavesTheBytesOfOneNeverKilled) {
  write_run();
  const std::string whole = read_file(path());
  // Killed somewhere after the checkpoint of step 1 and its events: mid-line, before and after a newline.
  const size_t checkpoint = whole.find(R"({"event":"step","step":2,)");
  ASSERT_NE(checkpoint, std::string::npos);
  for (size_t length = checkpoint; length <= whole.size(); ++length) {
    const bool near_newline = length < whole.size() && (whole[length] == '\n' || whole[length - 1] == '\n');
    if (length % 41 != 0 && !near_newline) continue;  // each costs a flush to the disk
    write_file(path(), whole.substr(0, length));
    {
      MetricsLog log(path(), LogPosition{.steps = 2});
      for (int64_t step = 2; step < 6; ++step) append_step(log, step);
    }
    ASSERT_EQ(read_file(path()), whole) << "killed at byte " << length;
  }
}

TEST_F(MetricsLogTest, ResumingKeepsACompleteLastLineThatLacksOnlyItsNewline) {
  write_run();
  std::string text = read_file(path());
  text.pop_back();
  write_file(path(), text);
  { const MetricsLog log(path(), LogPosition{.steps = 6}); }
  EXPECT_EQ(read_file(path()), text + "\n");
}

TEST_F(MetricsLogTest, ResumingRefusesALogThatLacksSteps) {
  write_run();
  const std::string before = read_file(path());
  const std::string message = error_of([&] { MetricsLog(path(), LogPosition{.steps = 10}); });
  EXPECT_NE(message.find("metrics.jsonl"), std::string::npos) << message;
  EXPECT_NE(message.find("the checkpoint is after step 9, but the steps here end with 5"), std::string::npos)
      << message;
  EXPECT_EQ(read_file(path()), before);
  write_file(path(), "");
  EXPECT_NE(error_of([&] { MetricsLog(path(), LogPosition{.steps = 4}); }).find("end with none"), std::string::npos);
  EXPECT_NE(error_of([&] { MetricsLog(folder_ / "missing.jsonl", LogPosition{}); }).find("can't read"),
            std::string::npos);
}

TEST_F(MetricsLogTest, TheEndOfAnEpochThatIsDoneAgainLeavesTheLog) {
  const auto epoch_ends = [](MetricsLog& log) {
    log.append(EpochEvent{.epoch = 0, .loss = 5});
    log.append(MonitorEvent{.epoch = 1});
  };
  {
    MetricsLog log(path());
    log.append(MonitorEvent{.epoch = 0});
    append_step(log, 0);
    log.append(Json{{"event", "step"}, {"step", 1}});
    log.append(Json{{"event", "resume"}, {"step", 2}});
  }
  const std::string before = read_file(path());
  {
    MetricsLog log(path(), LogPosition{.steps = 2});
    epoch_ends(log);
  }
  const std::string after = read_file(path());
  { const MetricsLog log(path(), LogPosition{.steps = 2}); }
  EXPECT_EQ(read_file(path()), after) << "the checkpoint includes the end of the epoch";
  { const MetricsLog log(path(), LogPosition{.steps = 2, .epoch_ended = false}); }
  EXPECT_EQ(read_file(path()), before);
}

TEST_F(MetricsLogTest, AnEpochThatTheRunEndedWithinSaysHowMuchOfItIsDone) {
  EXPECT_EQ(epochs_done(to_json(EpochEvent{.epoch = 3, .steps = 4, .of_steps = 4})), 4);
  EXPECT_EQ(epochs_done(to_json(EpochEvent{.epoch = 3, .steps = 1, .of_steps = 4})), 3.25);
  EXPECT_EQ(to_json(MonitorEvent{.epoch = 3.25}).at("epoch").dump(), "3.25");
  EXPECT_EQ(to_json(MonitorEvent{.epoch = 3}).at("epoch").dump(), "3");
}

TEST_F(MetricsLogTest, StartingOverEmptiesTheLog) {
  write_run();
  { const MetricsLog log(path()); }
  EXPECT_EQ(read_file(path()), "");
}

TEST_F(MetricsLogTest, ReadingLeavesOutAHalfWrittenLastLine) {
  write_run();
  const size_t count = read_metrics(path()).size();
  append_text(R"({"event":"step","step":6,"lo)");
  EXPECT_EQ(read_metrics(path()).size(), count);
}

TEST_F(MetricsLogTest, OtherJunkIsAnErrorWithTheLineNumber) {
  for (const char* junk :
       {"{\"event\":\"step\"\n", "not json\n", "[1]\n", "{\"step\":3}\n", "{\"event\":\"step\",\"step\":\"six\"}\n"}) {
    write_run();  // ten lines and two
    append_text(junk);
    append_text("{\"event\":\"epoch\",\"epoch\":3,\"loss\":1.0}\n");
    const std::string message = error_of([&] { read_metrics(path()); });
    EXPECT_NE(message.find("metrics.jsonl: line 13 is not an event"), std::string::npos) << junk << message;
  }
}

TEST_F(MetricsLogTest, AFullDiskIsAnErrorThatSaysWhatToDo) {
  if (!std::filesystem::exists("/dev/full")) GTEST_SKIP() << "no /dev/full here";
  std::filesystem::create_symlink("/dev/full", path());
  MetricsLog log(path());
  const std::string message = error_of([&] { append_step(log, 0); });
  EXPECT_NE(message.find("metrics.jsonl: can't write: No space left on device"), std::string::npos) << message;
  EXPECT_NE(message.find("--resume"), std::string::npos) << message;
}

TEST_F(MetricsLogTest, AFolderThatIsMissingIsAnError) {
  EXPECT_NE(error_of([&] { MetricsLog(folder_ / "no" / "metrics.jsonl"); }).find("can't open: No such file"),
            std::string::npos);
}

}  // namespace
}  // namespace minissl
