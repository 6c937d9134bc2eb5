#include <fstream>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <thread>

#include "apps/run/metrics_log.h"
#include "formats/npy.h"
#include "formats/safetensors.h"
#include "tests/apps/command_line.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

// Four steps an epoch on small gray phantoms.
const std::string small_run =
    "train simclr --data synth:64:32 --channels 1 --stem small --width 8 --size 16 --batch 16 --dim 8 --hidden 8 "
    "--monitor-every 1 --monitor-samples 32 --checkpoint-every 0 --threads 1 ";

class AnswersTest : public TemporaryFolder {
 protected:
  CommandResult run(const std::string& command) { return minissl_command(command, folder_); }
  CommandResult train(const std::string& folder, const std::string& more = "") {
    return run(small_run + "--out " + path(folder) + " " + more);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<Json> events(const std::string& folder, const char* kind) const {
    std::vector<Json> found;
    for (const Json& event : read_metrics(folder_ / folder / "metrics.jsonl"))
      if (is_event(event, kind)) found.push_back(event);
    return found;
  }
  std::string line_of(const std::string& folder, const std::string& key) const {
    const std::string config = read_file(folder_ / folder / "config.toml");
    const size_t begin = config.find("\n" + key + " = ") + 1;
    return config.substr(begin, config.find('\n', begin) - begin);
  }
  // The weights of a file with one number that is not finite.
  void spoil(const std::string& from, const std::string& to, const std::string& tensor) {
    const SafetensorsReader file(path(from));
    NamedTensors tensors;
    for (const StoredTensor& t : file.tensors()) {
      tensors.emplace_back(t.name, file.read(t.name));
      if (t.name == tensor) tensors.back().second.mutable_data<float>()[0] = NAN;
    }
    save_safetensors(path(to), tensors, file.metadata());
  }
};

TEST_F(AnswersTest, ARunStoppedAsCollapsedIsNeverHealthyForMonitor) {
  // A weight decay that shrinks every weight tenfold in a step: soon all features are the same.
  const CommandResult stopped =
      train("run", "--optimizer sgd --lr 1 --weight-decay 0.9 --warmup-epochs 0 --epochs 20 --on-collapse stop");
  ASSERT_EQ(stopped.status, 1) << stopped.err;
  ASSERT_NE(stopped.err.find("(--on-collapse stop)"), std::string::npos) << stopped.err;
  const std::string of_training = events("run", "monitor").back().at("verdict");
  const auto monitor = [&](const std::string& data) {
    const CommandResult result = run("monitor --json --samples 32 --run " + path("run") + " --data " + data);
    EXPECT_EQ(result.status, 0) << result.err;
    return nlohmann::json::parse(result.out);
  };
  const auto json = monitor("synth:64:32");
  EXPECT_EQ(json.at("verdict").get<std::string>(), of_training);
  EXPECT_EQ(json.at("checkpoints").back().at("verdict").get<std::string>(), of_training);
  EXPECT_EQ(json.at("training").at("verdict").get<std::string>(), of_training);
  EXPECT_EQ(json.at("untrained").at("epoch"), 0);
  EXPECT_TRUE(monitor("synth:20:64:3").at("verdict").get<std::string>().starts_with("collapsed")) << "other images";
  // The same judge, so that it doesn't take the run's log.
  const Json untrained = events("run", "monitor").front();
  EXPECT_EQ(monitor("synth:64:32").at("untrained").at("backbone").at("eff_rank"),
            untrained.at("backbone").at("eff_rank"));
  fs::remove(folder_ / "run" / "metrics.jsonl");
  const auto alone = monitor("synth:64:32");
  EXPECT_FALSE(alone.at("verdict").get<std::string>().starts_with("healthy")) << alone;
  EXPECT_FALSE(alone.contains("training"));
}

TEST_F(AnswersTest, TheWorseOfTwoVerdictsIsMonitorsResult) {
  ASSERT_EQ(train("run", "--epochs 1 --lr 0").status, 0);
  const std::string command = "monitor --samples 32 --data synth:64:32 --run " + path("run");
  const CommandResult before = run(command);
  ASSERT_EQ(before.out.find("\nhealthy"), before.out.rfind('\n', before.out.size() - 2)) << before.out;
  const std::string verdict = "dimensional collapse: only 1.0 of 7 possible directions are in use (projection)";
  std::ofstream(path("run/metrics.jsonl"), std::ios::app)
      << Json{{"event", "monitor"}, {"epoch", 1}, {"verdict", verdict}}.dump() << "\n";
  EXPECT_TRUE(run(command).out.ends_with("\n" + verdict + "\n")) << run(command).out;
}

TEST_F(AnswersTest, AnEvaluationAddedAtResumeMeasuresTheUntrainedNetwork) {
  const std::string eval = "--eval-train synth:60:32:5 --eval-test synth:60:32:6 --eval-k 5 --lr 0.01 ";
  ASSERT_EQ(train("whole", eval + "--epochs 4").status, 0);
  ASSERT_EQ(train("later", "--lr 0.01 --epochs 4 --steps 8").status, 0);
  const CommandResult resumed = train("later", eval + "--epochs 4 --resume");
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  const Json whole = events("whole", "eval").back(), later = events("later", "eval").back();
  EXPECT_EQ(later.at("knn_top1"), whole.at("knn_top1"));
  EXPECT_EQ(later.at("baseline"), whole.at("baseline"));
  EXPECT_NE(later.at("baseline").at("untrained"), later.at("knn_top1")) << "the test would see nothing";
}

TEST_F(AnswersTest, FeaturesThatAreNotFiniteAreRefusedAndNothingIsWritten) {
  ASSERT_EQ(train("run", "--epochs 1").status, 0);
  spoil("run/backbone.safetensors", "spoiled.safetensors", "bn1.weight");
  const std::string data = " --train synth:20:32:5 --test synth:20:32:6 ",
                    weights = " --weights " + path("spoiled.safetensors");
  for (const std::string& command : std::vector<std::string>{
           "embed --data synth:20:32 --out " + path("e.npy") + weights, "eval knn --k 3" + data + weights,
           "eval linear" + data + weights, "eval probe --shots 1" + data + weights}) {
    const CommandResult result = run(command);
    EXPECT_EQ(result.status, 1) << command << ": " << result.err;
    EXPECT_NE(result.err.find("backbone features of this image are not finite"), std::string::npos) << result.err;
    EXPECT_EQ(result.out, "");
  }
  EXPECT_FALSE(fs::exists(folder_ / "e.npy"));
  EXPECT_FALSE(fs::exists(folder_ / "e.csv"));
  spoil("run/last.safetensors", "run/last.safetensors", "backbone.bn1.weight");
  EXPECT_EQ(run("monitor --samples 20 --data synth:20:32 --run " + path("run")).status, 1);
}

TEST_F(AnswersTest, TheResolvedNumbersAreInTheConfiguration) {
  ASSERT_EQ(run(small_run + "--epochs 3 --threads 0 --out " + path("run")).status, 0);
  const std::string threads = std::to_string(std::max(1U, std::thread::hardware_concurrency()));
  EXPECT_EQ(line_of("run", "threads"), "threads = " + threads);
  EXPECT_EQ(line_of("run", "warmup-epochs"), "warmup-epochs = 0.3");
  EXPECT_EQ(events("run", "step").back().at("lr").get<double>() < 1e-3, true) << "it has decayed";
  ASSERT_EQ(train("long", "--epochs 200 --steps 1").status, 0);
  EXPECT_EQ(line_of("long", "warmup-epochs"), "warmup-epochs = 10");
  const CommandResult given = train("given", "--epochs 3 --warmup-epochs 2");
  EXPECT_EQ(line_of("given", "warmup-epochs"), "warmup-epochs = 2");
  EXPECT_EQ(given.err.find("warning: the warmup"), std::string::npos) << given.err;
  const CommandResult late = train("late", "--epochs 3 --warmup-epochs 4");
  EXPECT_NE(late.err.find("warning: the warmup (--warmup-epochs 4: 16 steps) is longer than the run (12 steps)"),
            std::string::npos)
      << late.err;
}

TEST_F(AnswersTest, FlagsOfTheNetworkAreHonouredOrRefusedWhereTheWeightsSpeakForThemselves) {
  ASSERT_EQ(train("run", "--epochs 1").status, 0);
  const auto embed = [&](const std::string& flags) {
    fs::remove(folder_ / "e.npy");
    return run("embed --data synth:10:32 --weights " + path("run/backbone.safetensors") + " --out " + path("e.npy") +
               " " + flags);
  };
  const auto bytes = [&](const std::string& flags) {
    const CommandResult result = embed(flags);
    EXPECT_EQ(result.status, 0) << result.err;
    return read_file(folder_ / "e.npy");
  };
  const std::string usual = bytes("");
  EXPECT_TRUE(usual == bytes("--size 16 --arch resnet18 --channels 1 --width 8 --stem small --bn plain"));
  EXPECT_FALSE(usual == bytes("--size 24"));
  for (const std::string flag : {"--arch resnet34", "--channels 3", "--width 16", "--stem imagenet", "--bn split:2"}) {
    const CommandResult refused = embed(flag);
    EXPECT_EQ(refused.status, 1) << flag;
    EXPECT_NE(refused.err.find("leave " + flag.substr(0, flag.find(' ')) + " out"), std::string::npos) << refused.err;
    EXPECT_EQ(std::count(refused.err.begin(), refused.err.end(), '\n'), 1) << refused.err;
    EXPECT_FALSE(fs::exists(folder_ / "e.npy"));
    const CommandResult eval = run("eval knn --k 3 --train synth:20:32:5 --test synth:20:32:6 --weights " +
                                   path("run/backbone.safetensors") + " " + flag);
    EXPECT_EQ(eval.status, 1) << eval.err;
  }
}

}  // namespace
}  // namespace minissl
