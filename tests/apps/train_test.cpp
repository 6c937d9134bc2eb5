#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/run/metrics_log.h"
#include "formats/npy.h"
#include "formats/safetensors.h"
#include "tests/apps/command_line.h"
#include "tests/apps/repeatable_log.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

// Three epochs of four steps on small phantoms: seconds on two cores.
const std::string small_run =
    "train moco --data synth:64:32 --channels 1 --arch resnet18 --stem imagenet --width 16 --size 32 --batch 16 "
    "--queue 32 "
    "--dim 16 --epochs 3 --warmup-epochs 1 --monitor-every 2 --monitor-samples 32 --threads 2 "
    "--eval-train synth:30:32:5 --eval-test synth:30:32:6 --eval-k 5 ";

class TrainTest : public TemporaryFolder {
 protected:
  CommandResult train(const std::string& folder, const std::string& more = "") {
    return minissl_command(small_run + "--out " + path(folder) + " " + more, folder_);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::string bytes(const std::string& name) const { return read_file(folder_ / name); }
  std::string log(const std::string& run) const { return repeatable_log(folder_ / run); }
};

TEST_F(TrainTest, TheRunFolderHoldsWhatIsPromised) {
  const CommandResult result = train("run", "--checkpoint-every 1 --keep 2");
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, "");
  for (const char* file : {"config.toml", "metrics.jsonl", "last.safetensors", "backbone.safetensors", "report.html",
                           "epoch_0002.safetensors", "epoch_0003.safetensors"})
    EXPECT_TRUE(fs::exists(folder_ / "run" / file)) << file;
  EXPECT_FALSE(fs::exists(folder_ / "run" / "epoch_0001.safetensors"));
  int64_t steps = 0, epochs = 0, monitors = 0, evals = 0;
  for (const Json& event : read_metrics(folder_ / "run" / "metrics.jsonl")) {
    if (is_event(event, "step")) {
      EXPECT_EQ(event.at("step").get<int64_t>(), steps++);
      for (const char* field : {"epoch", "loss", "loss/infonce", "loss/variance", "lr", "images_per_s", "seconds"})
        EXPECT_TRUE(event.contains(field)) << field;
    }
    if (is_event(event, "monitor")) {
      EXPECT_EQ(event.at("backbone").at("count").get<int64_t>(), 32);
      EXPECT_EQ(event.at("backbone").at("dim").get<int64_t>(), 128);
      EXPECT_EQ(event.at("projection").at("dim").get<int64_t>(), 16);
    }
    if (is_event(event, "eval")) {
      EXPECT_EQ(event.at("n_test").get<int64_t>(), 30);
    }
    epochs += is_event(event, "epoch");
    monitors += is_event(event, "monitor");
    evals += is_event(event, "eval");
  }
  EXPECT_EQ(steps, 12);
  EXPECT_EQ(epochs, 3);
  EXPECT_EQ(monitors, 3);  // untrained, after epoch 2, at the end
  EXPECT_EQ(evals, 2);     // before and after
  // A second run doesn't overwrite the first.
  EXPECT_EQ(train("run").status, 1);
}

TEST_F(TrainTest, TheSameCommandGivesTheSameBytesWhateverTheWorkers) {
  ASSERT_EQ(train("a", "--workers 1").status, 0);
  ASSERT_EQ(train("b", "--workers 1").status, 0);
  ASSERT_EQ(train("c", "--workers 3").status, 0);
  EXPECT_TRUE(bytes("a/last.safetensors") == bytes("b/last.safetensors"));
  EXPECT_TRUE(bytes("a/last.safetensors") == bytes("c/last.safetensors"));
  EXPECT_EQ(bytes("a/config.toml"), bytes("b/config.toml"));
  EXPECT_EQ(log("a"), log("b"));
  EXPECT_EQ(log("a"), log("c"));
  // The configuration it wrote repeats the run.
  const CommandResult repeated =
      minissl_command("train moco --config " + path("a/config.toml") + " --out " + path("d"), folder_);
  ASSERT_EQ(repeated.status, 0) << repeated.err;
  EXPECT_TRUE(bytes("a/last.safetensors") == bytes("d/last.safetensors"));
}

TEST_F(TrainTest, RecomputationTrainsTheSame) {
  ASSERT_EQ(train("none").status, 0);
  for (const std::string recompute : {"block", "stage"}) {
    ASSERT_EQ(train(recompute, "--recompute " + recompute).status, 0);
    EXPECT_TRUE(bytes("none/last.safetensors") == bytes(recompute + "/last.safetensors"));
    EXPECT_EQ(log("none"), log(recompute));
  }
  EXPECT_EQ(train("other", "--recompute sometimes").status, 2);
}

TEST_F(TrainTest, AKillInMidEpochAndAResumeEndInTheSameBytes) {
  ASSERT_EQ(train("whole").status, 0);
  // A checkpoint after every step, and a kill between them: at step 6, in the middle of the second epoch.
  const std::string killed = small_run + "--checkpoint-minutes 0 --out " + path("killed");
  std::thread killer([&] {
    const fs::path metrics = folder_ / "killed" / "metrics.jsonl";
    for (int i = 0; i < 6000; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(10));
      std::error_code error;
      if (fs::exists(metrics, error) && read_file(metrics).find("\"step\":5,") != std::string::npos) break;
    }
    std::ignore = std::system(("pkill -KILL -f -- '--out " + path("killed") + "'").c_str());
  });
  const CommandResult result = minissl_command(killed, folder_);
  killer.join();
  ASSERT_NE(result.status, 0);
  ASSERT_LT(SafetensorsReader(path("killed/last.safetensors")).read("run.position").at(0), 12);
  const CommandResult resumed = minissl_command(killed + " --resume", folder_);
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_TRUE(bytes("whole/last.safetensors") == bytes("killed/last.safetensors"));
  EXPECT_TRUE(bytes("whole/backbone.safetensors") == bytes("killed/backbone.safetensors"));
  EXPECT_EQ(log("whole"), log("killed"));
}

// Up to version 0.1's first design, split batch normalisation was one of the method's flags.
TEST_F(TrainTest, CheckpointsOfTheFirstDesignAreRead) {
  ASSERT_EQ(train("run", "--bn split:4 --steps 2 --eval-every 0").status, 0);
  const SafetensorsReader written(path("run/last.safetensors"));
  Metadata metadata = written.metadata();
  EXPECT_EQ(metadata.at("bn"), "split:4");
  metadata.erase("bn");
  metadata.at("flags") += "bn = \"split:4\"\n";
  NamedTensors tensors;
  for (const StoredTensor& t : written.tensors()) tensors.emplace_back(t.name, written.read(t.name));
  save_safetensors(path("old.safetensors"), tensors, metadata);
  const auto embed = [&](const std::string& weights) {
    const CommandResult result = minissl_command(
        "embed --features projection --data synth:8:32 --weights " + path(weights) + " --out " + path("e.npy"),
        folder_);
    EXPECT_EQ(result.status, 0) << result.err;
    return bytes("e.npy");
  };
  EXPECT_TRUE(embed("old.safetensors") == embed("run/last.safetensors"));
}

TEST_F(TrainTest, ANaNStopsTheRunAndSaysWhere) {
  const CommandResult result = train("nan", "--optimizer sgd --lr 1e30 --warmup-epochs 0");
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("not finite"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find("q_raw"), std::string::npos) << result.err;
  // The checkpoint from before is whole.
  EXPECT_NO_THROW(load_safetensors(path("nan/last.safetensors")));
}

TEST_F(TrainTest, AccumulationCountsOptimizerSteps) {
  ASSERT_EQ(train("run", "--accumulate 2 --epochs 2").status, 0);
  int64_t steps = 0;
  for (const Json& event : read_metrics(folder_ / "run" / "metrics.jsonl")) steps += is_event(event, "step");
  EXPECT_EQ(steps, 4);
}

TEST_F(TrainTest, WhatWasTrainedCanBeEvaluatedAndEmbedded) {
  ASSERT_EQ(train("run", "--checkpoint-every 1").status, 0);
  const std::string weights = path("run/backbone.safetensors");
  const CommandResult eval = minissl_command(
      "eval knn --json --baselines --k 5 --weights " + weights + " --train synth:30:32:5 --test synth:30:32:6",
      folder_);
  ASSERT_EQ(eval.status, 0) << eval.err;
  const auto json = nlohmann::json::parse(eval.out);
  EXPECT_EQ(json.at("n_test"), 30);
  EXPECT_EQ(json.at("per_class").size(), 3U);
  EXPECT_TRUE(json.at("pixels").contains("top1"));
  // The same figures as the run's own, before its first step and after its last.
  std::vector<double> of_run;
  for (const Json& event : read_metrics(folder_ / "run" / "metrics.jsonl"))
    if (is_event(event, "eval")) of_run.push_back(event.at("knn_top1"));
  ASSERT_GE(of_run.size(), 2U);
  EXPECT_DOUBLE_EQ(json.at("untrained").at("top1").get<double>(), of_run.front());
  EXPECT_DOUBLE_EQ(json.at("top1").get<double>(), of_run.back());

  const auto evaluate = [&](const std::string& command) {
    return minissl_command(
        "eval " + command + " --json --weights " + weights + " --train synth:30:32:5 --test synth:30:32:6", folder_);
  };
  const CommandResult linear = evaluate("linear --l2 10");
  ASSERT_EQ(linear.status, 0) << linear.err;
  EXPECT_EQ(nlohmann::json::parse(linear.out).at("auc").size(), 3U);
  const CommandResult probe = evaluate("probe --baselines --shots 2,5 --repeats 3");
  ASSERT_EQ(probe.status, 0) << probe.err;
  const auto shown = nlohmann::json::parse(probe.out);
  for (const auto& aucs : {shown.at("auc"), shown.at("untrained").at("auc"), shown.at("pixels").at("auc")}) {
    ASSERT_EQ(aucs.size(), 3U);
    for (const auto& [name, of_shots] : aucs.items()) {
      EXPECT_LE(of_shots.at("2").at("low"), of_shots.at("2").at("mean")) << name;
      EXPECT_LE(of_shots.at("5").at("mean"), of_shots.at("5").at("high")) << name;
    }
  }
  double sum = 0;
  for (const auto& of_shots : shown.at("auc")) sum += of_shots.at("5").at("mean").get<double>();
  EXPECT_NEAR(shown.at("mean_auc").at("5").get<double>(), sum / 3, 1e-12);
  const CommandResult too_many = evaluate("probe --shots 500");
  EXPECT_EQ(too_many.status, 1);
  EXPECT_NE(too_many.err.find("--shots 500: there are"), std::string::npos) << too_many.err;

  const CommandResult embed =
      minissl_command("embed --weights " + weights + " --data synth:10:32 --out " + path("e.npy"), folder_);
  ASSERT_EQ(embed.status, 0) << embed.err;
  EXPECT_EQ(load_npy(path("e.npy")).shape(), (Shape{10, 128})) << "the width is read from the file";
  EXPECT_EQ(bytes("e.csv").substr(0, 15), "row,path,label\n");
  // A backbone has no projection.
  EXPECT_EQ(
      minissl_command("embed --features projection --weights " + weights + " --data synth:10:32 --out " + path("p.npy"),
                      folder_)
          .status,
      1);
  const CommandResult monitor = minissl_command(
      "monitor --json --run " + path("run") + " --data synth:32:32 --out " + path("chart.png"), folder_);
  ASSERT_EQ(monitor.status, 0) << monitor.err;
  EXPECT_EQ(nlohmann::json::parse(monitor.out).at("checkpoints").size(), 3U);
  EXPECT_TRUE(fs::exists(path("chart.png")));
  EXPECT_EQ(minissl_command("report " + path("run"), folder_).status, 0);
}

TEST_F(TrainTest, WrongUsageAndFailedWorkHaveTheirOwnStatus) {
  const auto status = [&](const std::string& arguments) { return minissl_command(arguments, folder_).status; };
  EXPECT_EQ(status("--help"), 0);
  EXPECT_EQ(status("--version"), 0);
  EXPECT_EQ(status("train moco --help"), 0);
  EXPECT_EQ(status(""), 2);
  EXPECT_EQ(status("train nothing"), 2);
  EXPECT_EQ(status("train moco --data x"), 2);
  EXPECT_EQ(status("train moco --data x --out y --no-such-flag 3"), 2);
  EXPECT_EQ(status("train moco --data synth:64 --out y --crop-scale 0.1"), 2);
  EXPECT_EQ(status("train moco --data synth:64 --out y --width 48"), 2);
  const CommandResult missing = minissl_command("train moco --data /no/such/folder --out " + path("y"), folder_);
  EXPECT_EQ(missing.status, 1);
  EXPECT_NE(missing.err.find("/no/such/folder"), std::string::npos);
  EXPECT_EQ(std::count(missing.err.begin(), missing.err.end(), '\n'), 1) << missing.err;
  EXPECT_EQ(train("y", "--batch 24").status, 1);        // does not divide the queue
  EXPECT_EQ(train("z", "--device cuda:99").status, 1);  // there are never that many
  EXPECT_EQ(train("z", "--precision f64").status, 1);   // for inspect step
  EXPECT_EQ(train("z", "--lr 0.1 --on-collapse faint").status, 2);
  EXPECT_FALSE(fs::exists(folder_ / "z"));
}

}  // namespace
}  // namespace minissl
