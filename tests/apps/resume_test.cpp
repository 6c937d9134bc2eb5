#include <fstream>
#include <gtest/gtest.h>
#include <regex>

#include "apps/run/picture.h"
#include "apps/run/run_folder.h"
#include "formats/safetensors.h"
#include "tensor/finite.h"
#include "tests/apps/small_run.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

class ResumeTest : public TemporaryFolder {
 protected:
  CommandResult train(const std::string& run, const std::string& more) {
    return minissl_command(tiny_run + "--out " + path(run) + " " + more, folder_);
  }
  void train_well(const std::string& run, const std::string& more) {
    const CommandResult result = train(run, more);
    ASSERT_EQ(result.status, 0) << result.err;
  }
  // Runs a command that must fail with this in its message, and must change no file of the run.
  void refused(const std::string& run, const std::string& more, const std::string& message) {
    const auto before = snapshot(folder_ / run);
    const CommandResult result = train(run, more);
    EXPECT_EQ(result.status, 1) << more;
    EXPECT_NE(result.err.find(message), std::string::npos) << more << "\n" << result.err;
    EXPECT_TRUE(snapshot(folder_ / run) == before) << more;
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  void damage(const std::string& name) {
    std::string bytes = read_file(folder_ / name);
    bytes[bytes.size() * 2 / 3] ^= 16;
    write_file(folder_ / name, bytes);
  }
};

TEST_F(ResumeTest, ARunIsNeverOverwrittenWhicheverOfItsFilesIsMissing) {
  train_well("run", "--epochs 2 --checkpoint-every 1");
  for (const std::string missing : {"", "config.toml", "metrics.jsonl", "last.safetensors", "backbone.safetensors"}) {
    fs::copy(folder_ / "run", folder_ / "copy");
    if (!missing.empty()) fs::remove(folder_ / "copy" / missing);
    refused("copy", "--epochs 2", "there is a run in it");
    fs::remove_all(folder_ / "copy");
  }
}

TEST_F(ResumeTest, ALostOrDamagedCheckpointIsSaidAndTheNewestGoodOneOffered) {
  train_well("whole", "--epochs 3 --checkpoint-every 1");
  const std::string flags = "--epochs 3 --checkpoint-every 1 ";
  const auto goes_on_from = [&](const std::string& epoch_file) {
    refused("run", flags + "--resume", "step 8: --resume-from " + path("run/" + epoch_file) + " goes on from it");
    const CommandResult result = train("run", flags + "--resume-from " + path("run/" + epoch_file));
    EXPECT_EQ(result.status, 0) << result.err;
    EXPECT_TRUE(read_file(path("run/last.safetensors")) == read_file(path("whole/last.safetensors")));
    EXPECT_EQ(repeatable_log(folder_ / "run"), repeatable_log(folder_ / "whole"));
  };
  fs::copy(folder_ / "whole", folder_ / "run");
  fs::remove(folder_ / "run/last.safetensors");
  fs::remove(folder_ / "run/epoch_0003.safetensors");
  goes_on_from("epoch_0002.safetensors");
  damage("run/last.safetensors");
  damage("run/epoch_0003.safetensors");
  goes_on_from("epoch_0002.safetensors");
  // With none left, only another run is possible.
  for (const char* name : {"last", "epoch_0001", "epoch_0002", "epoch_0003"})
    fs::remove(folder_ / "run" / (std::string(name) + ".safetensors"));
  refused("run", flags + "--resume", "there is no good checkpoint");
  fs::remove(folder_ / "run/metrics.jsonl");  // the trained backbone is left
  refused("run", flags + "--resume", "there is no good checkpoint");
}

TEST_F(ResumeTest, ALostLogIsSaidAndTheRunCanGoOnInAnotherFolder) {
  train_well("run", "--epochs 2");
  fs::remove(folder_ / "run/metrics.jsonl");
  refused("run", "--epochs 3 --resume", "metrics.jsonl: is missing");
  train_well("more", "--epochs 3 --resume-from " + path("run/last.safetensors"));
  const std::vector<Json> events = read_metrics(folder_ / "more/metrics.jsonl");
  const auto first = std::find_if(events.begin(), events.end(), [](const Json& e) { return is_event(e, "step"); });
  ASSERT_NE(first, events.end());
  EXPECT_EQ(first->at("step"), 8);
}

TEST_F(ResumeTest, ARunBranchesIntoANewFolderWithItsLog) {
  train_well("run", "--epochs 3 --checkpoint-every 1");
  const auto before = snapshot(folder_ / "run");
  train_well("branch", "--epochs 3 --checkpoint-every 1 --resume-from " + path("run/epoch_0001.safetensors"));
  EXPECT_TRUE(snapshot(folder_ / "run") == before);
  EXPECT_TRUE(read_file(path("run/last.safetensors")) == read_file(path("branch/last.safetensors")));
  EXPECT_EQ(repeatable_log(folder_ / "run"), repeatable_log(folder_ / "branch"));
  train_well("other", "--epochs 1");
  refused("other", "--epochs 3 --resume-from " + path("run/epoch_0001.safetensors"), "there is another run in");
  refused("other", "--epochs 3 --resume-from " + path("run/backbone.safetensors"), "no run.position in it");
}

TEST_F(ResumeTest, WhatARunCannotGoOnWithIsRefusedByName) {
  const std::string eval = "--eval-train synth:20:32:5 --eval-test synth:20:32:6 --eval-temperature 0.2 ";
  train_well("run", eval + "--epochs 2");
  for (const auto& [flags, message] : std::map<std::string, std::string>{
           {"--batch 32", "batch is 32 now, and was 16"},
           {"--accumulate 2", "accumulate is 2 now, and was 1"},
           {"--optimizer sgd", "optimizer is sgd now, and was adamw"},
           {"--temperature 0.2", "temperature is 0.2 now, and was 0.1"},  // although eval-temperature was 0.2
           {"--dim 16", "dim is 16 now, and was 8"},
           {"--seed 1", "seed is 1 now, and was 0"},
           {"--size 32", "size is 32 now, and was 16"},
           {"--rotate 0", "rotate is 0 now, and was 10"},
           {"--data synth:64:64", "is not what the run was trained on"},
           {"--data synth:80:32", "is not what the run was trained on"}})
    refused("run", eval + "--epochs 4 --resume " + flags, message);
  const CommandResult other = minissl_command(
      "train simsiam --epochs 4 --resume --out " + path("run") + tiny_run.substr(std::string("train simclr").size()),
      folder_);
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.err.find("method is simsiam now, and was simclr"), std::string::npos) << other.err;
  // The checkpoint knows its settings although its config.toml is lost.
  fs::remove(folder_ / "run/config.toml");
  refused("run", "--epochs 4 --resume --batch 32", "batch is 32 now, and was 16");
}

TEST_F(ResumeTest, WhatMayChangeIsSaidInALineEachAndIsInTheLog) {
  train_well("run", "--epochs 2");
  const CommandResult result = train("run", "--resume --epochs 3 --lr 0.01 --workers 2 --keep 1");
  ASSERT_EQ(result.status, 0) << result.err;
  for (const char* line : {"--epochs was 2, and is 3 now: ", "--lr was 0.001, and is 0.01 now: ",
                           "--workers was 1, and is 2 now: ", "--keep was 3, and is 1 now: "})
    EXPECT_NE(result.err.find(line), std::string::npos) << line << result.err;
  const std::vector<Json> events = read_metrics(folder_ / "run/metrics.jsonl");
  const auto event = std::find_if(events.begin(), events.end(), [](const Json& e) { return is_event(e, "resume"); });
  ASSERT_NE(event, events.end());
  EXPECT_EQ(event->at("step"), 8);
  EXPECT_EQ(event->at("changed"), Json::parse(R"({"epochs":["2","3"],"lr":["0.001","0.01"]})"));
  EXPECT_NE(read_file(path("run/config.toml")).find("epochs = 3"), std::string::npos);
  refused("run", "--resume --epochs 1", "12 steps are done, and --epochs 1 has 4");
}

TEST_F(ResumeTest, TheDataMayMove) {
  ASSERT_EQ(minissl_command("data synth --images 64 --size 32 --out " + path("here"), folder_).status, 0);
  train_well("run", "--epochs 1 --data " + path("here"));
  fs::rename(folder_ / "here", folder_ / "there");
  train_well("run", "--epochs 2 --resume --data " + path("there"));
  fs::remove(fs::recursive_directory_iterator(folder_ / "there")->path() /
             fs::directory_iterator(fs::directory_iterator(folder_ / "there")->path())->path().filename());
  refused("run", "--epochs 3 --resume --data " + path("there"), "is not what the run was trained on");
}

TEST_F(ResumeTest, OneProcessTrainsInAFolder) {
  train_well("run", "--epochs 1");
  const RunFolder mine(folder_ / "run");
  refused("run", "--epochs 2 --resume", fmt::format("process {} on ", getpid()));
}

TEST_F(ResumeTest, AStateThatIsNotFiniteIsNeverSaved) {
  // One step makes the weights infinite; the run would end with it.
  const CommandResult result = train("run", "--epochs 1 --steps 1 --optimizer sgd --lr 3e38 --warmup-epochs 0");
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("is not finite"), std::string::npos) << result.err;
  EXPECT_NE(result.err.find(path("run/last.safetensors") + " has the run after 0 steps, from which --resume goes on"),
            std::string::npos)
      << result.err;
  for (const auto& [name, tensor] : load_safetensors(path("run/last.safetensors")).tensors)
    EXPECT_TRUE(all_finite(tensor)) << name;
  train_well("run", "--epochs 1 --steps 1 --optimizer sgd --lr 0.1 --warmup-epochs 0 --resume");
}

TEST_F(ResumeTest, ARunThatEndsWithinAnEpochIsLookedAtAndGoesOnAsIfItHadNot) {
  const std::string flags = "--epochs 3 --eval-train synth:30:32:5 --eval-test synth:30:32:6 --eval-k 5 ";
  train_well("whole", flags);
  train_well("run", flags + "--steps 6");
  std::map<std::string, double> last;
  for (const Json& event : read_metrics(folder_ / "run/metrics.jsonl"))
    if (!is_event(event, "step") && event.contains("epoch")) last[event.at("event")] = number(event, "epoch");
  EXPECT_EQ(last, (std::map<std::string, double>{{"epoch", 1}, {"monitor", 1.5}, {"eval", 1.5}}));
  train_well("run", flags + "--resume");
  EXPECT_TRUE(read_file(path("run/last.safetensors")) == read_file(path("whole/last.safetensors")));
  EXPECT_EQ(repeatable_log(folder_ / "run"), repeatable_log(folder_ / "whole"));
}

TEST_F(ResumeTest, ResumeWithoutARunBeginsOneAndSaysSo) {
  const CommandResult result = train("run", "--epochs 1 --resume");
  EXPECT_EQ(result.status, 0);
  EXPECT_NE(result.err.find("no checkpoint is there; the run begins"), std::string::npos) << result.err;
}

TEST_F(ResumeTest, OtherDataAreRefusedUnlessToldAndFilesWrittenAnewAreSaid) {
  const CommandResult made = minissl_command("data synth --images 65 --size 32 --out " + path("images"), folder_);
  ASSERT_EQ(made.status, 0) << made.err;
  const fs::path image = folder_ / "images/normal/000000.png";
  const std::string data = "--data " + path("images") + " ";
  train_well("run", data + "--epochs 1");

  write_file(image, read_file(image) + "more");
  CommandResult result = train("run", data + "--epochs 2 --resume");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("some were written anew"), std::string::npos) << result.err;

  fs::rename(image, folder_ / "images/normal/renamed.png");
  refused("run", data + "--epochs 3 --resume", "go on with --accept-changed-data");
  result = train("run", data + "--epochs 3 --resume --accept-changed-data");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("--data was 65 images"), std::string::npos) << result.err;
  EXPECT_NE(read_file(folder_ / "run/metrics.jsonl").find("\"data\":[\"65 images"), std::string::npos);

  for (int i = 0; i < 16; ++i) fs::copy(image.parent_path() / "renamed.png", folder_ / fmt::format("images/{}.png", i));
  refused("run", data + "--epochs 4 --resume --accept-changed-data", "has 5 steps an epoch, and had 4");
}

TEST_F(ResumeTest, ADamagedConfigIsSaidAndTheCheckpointsSettingsCount) {
  train_well("run", "--epochs 1");
  train_well("whole", "--epochs 2");
  const fs::path config = folder_ / "run/config.toml";
  write_file(config, read_file(config) + "lr = \n");
  const CommandResult result = train("run", "--epochs 2 --resume");
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(result.err.find("the run goes on with the settings in its checkpoint"), std::string::npos) << result.err;
  refused("run", "--epochs 2 --resume --batch 32", "batch is 32 now, and was 16");
}

TEST_F(ResumeTest, ARunIsRepeatedFromItsConfigWhateverItsPathsHold) {
  for (const std::string name : {"set #2", "a\"b", "a\\b", "[x]", "line\nbreak", "it's", " 1 "}) {
    fs::create_directories(folder_ / name);
    for (int i = 0; i < 16; ++i)
      write_png(folder_ / name / fmt::format("{}.png", i), Tensor::zeros({8, 8, 1}, DType::u8));
    const std::string quoted = "\"" + std::regex_replace(path(name), std::regex("[\"\\\\]"), "\\$&") + "\"";
    train_well("run", "--epochs 1 --data " + quoted);
    const CommandResult again =
        minissl_command("train simclr --config " + path("run/config.toml") + " --out " + path("again"), folder_);
    EXPECT_EQ(again.status, 0) << name << "\n" << again.err;
    EXPECT_TRUE(read_file(path("run/config.toml")) == read_file(path("again/config.toml"))) << name;
    for (const char* made : {"run", "again", name.c_str()}) fs::remove_all(folder_ / made);
  }
}

}  // namespace
}  // namespace minissl
