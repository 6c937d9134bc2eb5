#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/run/metrics_log.h"
#include "apps/run/picture.h"
#include "formats/safetensors.h"
#include "ssl/registry.h"
#include "tests/apps/command_line.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

const std::string small_data =
    " --data synth:64:32 --channels 1 --size 32 --batch 16 --warmup-epochs 1 --threads 2 --monitor-samples "
    "32 ";

// Of a network and its method, with a projection if it is a ResNet.
std::string own_flags(const std::string& method) {
  const std::string resnet = "--arch resnet18 --width 16 --dim 16 ";
  if (method == "spark") return "--arch resnet18 --width 16 --stem small --decoder-dim 32 ";
  if (method == "moco") return resnet + "--queue 64 --symmetric on --bn split:4 --momentum-end 1 ";
  if (method == "mae")
    return "--width 16 --patch 8 --depth 2 --heads 2 --decoder-dim 16 --decoder-depth 1 --decoder-heads 2 ";
  if (method == "dvae") return "--vocab 16 --codebook-dim 8 --token-hidden 8 ";
  if (method == "beit") return "--width 16 --patch 8 --depth 2 --heads 2 --drop-path 0.2 --pool mean ";
  if (method == "dino")
    return resnet +
           "--hidden 24 --bottleneck 12 --local-crops 2 --local-size 16 --bn split:2 --warmup-teacher-epochs 2 "
           "--warmup-teacher-temperature 0.02 --clip-norm 0.1 ";
  // The queue is full when the run is stopped and resumed, and not before.
  if (method == "swav")
    return resnet +
           "--hidden 24 --prototypes 20 --queue 40 --local-crops 2 --local-size 16 --bn split:2 "
           "--freeze-prototypes-steps 5 ";
  return resnet + "--hidden 24 --bn split:2 ";
}

class MethodsRunTest : public TemporaryFolder {
 protected:
  CommandResult train(const std::string& method, const std::string& folder, const std::string& more) {
    if (method == "beit") return train_with_tokenizer(folder, more);
    return minissl_command("train " + method + small_data + "--out " + path(folder) + " " + more, folder_);
  }
  CommandResult train_resnet(const std::string& method, const std::string& folder, const std::string& more) {
    return train(method, folder, "--arch resnet18 --width 16 --dim 16 " + more);
  }
  // BEiT's tokenizer is trained first.
  CommandResult train_with_tokenizer(const std::string& folder, const std::string& more) {
    const std::string tokenizer = path("dvae/tokenizer.safetensors");
    if (!fs::exists(tokenizer)) {
      const CommandResult trained = train("dvae", "dvae", own_flags("dvae") + "--epochs 1 --monitor-every 0");
      if (trained.status != 0) return trained;
    }
    return minissl_command(
        "train beit" + small_data + "--tokenizer " + tokenizer + " --out " + path(folder) + " " + more, folder_);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  std::vector<double> tensor(const std::string& file, const std::string& name) const {
    return SafetensorsReader(folder_ / file).read(name).to_vector();
  }
};

class EveryMethodRun : public MethodsRunTest, public testing::WithParamInterface<MethodEntry> {};

TEST_P(EveryMethodRun, StopsResumesToTheSameBytesAndIsEmbedded) {
  const std::string method = GetParam().name, flags = own_flags(method) + "--epochs 2 --monitor-every 0 ";
  const CommandResult whole = train(method, "whole", flags);
  ASSERT_EQ(whole.status, 0) << whole.err;
  ASSERT_EQ(train(method, "halved", flags + "--steps 3").status, 0);
  const CommandResult resumed = train(method, "halved", flags + "--resume");
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_TRUE(read_file(folder_ / "whole/last.safetensors") == read_file(folder_ / "halved/last.safetensors"));
  const CommandResult embedded = minissl_command(
      "embed --weights " + path("whole/last.safetensors") + " --data synth:10:32 --out " + path("e.npy"), folder_);
  EXPECT_EQ(embedded.status, 0) << embedded.err;
}

INSTANTIATE_TEST_SUITE_P(Registry, EveryMethodRun, testing::ValuesIn(methods()),
                         [](const auto& info) { return info.param.name; });

// Without sharpening, centring alone makes every target uniform. The monitor of the finished run says so, too.
TEST_F(MethodsRunTest, TheMonitorNamesDinosCollapse) {
  const CommandResult stopped = minissl_command(
      "train dino --data synth:48:32 --channels 1 --arch resnet18 --stem small --width 8 --size 16 --local-size 8 "
      "--local-crops 1 --dim 64 --hidden 32 --bottleneck 16 --batch 16 --threads 2 --epochs 9 --freeze-last-epochs 0 "
      "--teacher-temperature 5 --temperature 5 --monitor-every 1 --monitor-samples 32 --on-collapse stop --out " +
          path("run"),
      folder_);
  EXPECT_EQ(stopped.status, 1) << stopped.err;
  const std::string verdict = "collapsed: the teacher's output is uniform for every image (entropy 4.15";
  EXPECT_NE(stopped.err.find(verdict), std::string::npos) << stopped.err;
  const CommandResult looked = minissl_command("monitor --data synth:48:32 --samples 32 --run " + path("run"), folder_);
  EXPECT_NE(looked.out.find(verdict), std::string::npos) << looked.out;
}

// With two accumulated batches per step, a momentum encoder that moved with every batch, or a schedule that counted
// batches, would end elsewhere.
TEST_F(MethodsRunTest, TheKeyEncoderMovesOncePerOptimizerStep) {
  const std::string flags =
      "--queue 64 --accumulate 2 --epochs 2 --momentum 0.5 --momentum-end 1 --monitor-every 0 --schedule constant ";
  ASSERT_EQ(train_resnet("moco", "one", flags + "--steps 1").status, 0);
  ASSERT_EQ(train_resnet("moco", "two", flags + "--steps 2").status, 0);
  const std::string name = "layer4.1.conv2.weight";
  const auto q1 = tensor("one/last.safetensors", "encoder_q." + name);
  const auto k1 = tensor("one/last.safetensors", "encoder_k." + name);
  const auto k2 = tensor("two/last.safetensors", "encoder_k." + name);
  // The second of 2 epochs x 2 steps.
  const double m = 1 - 0.5 * (1 + std::cos(std::acos(-1.0) / 4)) / 2;
  double moved = 0, off = 0;
  for (size_t i = 0; i < k2.size(); ++i) {
    moved += std::pow(k2[i] - k1[i], 2);
    off += std::pow(k2[i] - (m * k1[i] + (1 - m) * q1[i]), 2);
  }
  EXPECT_GT(moved, 0);
  EXPECT_LT(std::sqrt(off / moved), 1e-3);
}

// One-dimensional unit vectors are 1 or -1: their neighbours say less than those in 512 features.
TEST_F(MethodsRunTest, NeighboursAreSearchedInTheNamedFeatures) {
  const std::string flags =
      "--dim 1 --hidden 24 --epochs 1 --eval-train synth:90:32:5 --eval-test synth:90:32:6 --eval-k 5 ";
  const auto knn = [&](const std::string& features) {
    EXPECT_EQ(train("simclr", features, "--arch resnet18 " + flags + "--eval-features " + features).status, 0);
    std::vector<double> rates;
    for (const Json& event : read_metrics(folder_ / features / "metrics.jsonl"))
      if (is_event(event, "eval")) rates.push_back(event.at("knn_top1").get<double>());
    return rates;
  };
  const std::vector<double> backbone = knn("backbone"), projection = knn("projection");
  EXPECT_NE(backbone, projection);
  const CommandResult alone =
      minissl_command("eval knn --json --k 5 --train synth:90:32:5 --test synth:90:32:6 --weights " +
                          path("projection/backbone.safetensors"),
                      folder_);
  EXPECT_EQ(Json::parse(alone.out).at("top1").get<double>(), backbone.back()) << alone.err;
}

TEST_F(MethodsRunTest, LionIsAnOptimizerAndWeightDecayMayFollowASchedule) {
  const std::string flags = "--hidden 24 --epochs 2 --monitor-every 0 --optimizer lion --lr 1e-4 --weight-decay 0.5 ";
  ASSERT_EQ(train_resnet("simclr", "constant", flags).status, 0);
  const CommandResult rising = train_resnet("simclr", "rising", flags + "--weight-decay-end 50");
  ASSERT_EQ(rising.status, 0) << rising.err;
  const auto length = [&](const std::string& run) {
    double squares = 0;
    for (const double w : tensor(run + "/last.safetensors", "backbone.layer4.1.conv2.weight")) squares += w * w;
    return std::sqrt(squares);
  };
  EXPECT_LT(length("rising"), length("constant"));
  ASSERT_EQ(train_resnet("simclr", "halved", flags + "--weight-decay-end 50 --steps 3").status, 0);
  ASSERT_EQ(train_resnet("simclr", "halved", flags + "--weight-decay-end 50 --resume").status, 0);
  EXPECT_TRUE(read_file(folder_ / "rising/last.safetensors") == read_file(folder_ / "halved/last.safetensors"));
  const CommandResult other = train_resnet("simclr", "halved", flags + "--optimizer adamw --resume");
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.err.find("optimizer is adamw now, and was lion"), std::string::npos) << other.err;
}

// Identical images have collapsed embeddings in every evaluation.
TEST_F(MethodsRunTest, OnCollapseTheVarianceTermMayJoinAndStaysAcrossAResume) {
  fs::create_directory(folder_ / "same");
  const Tensor gray = Tensor::full({32, 32, 1}, 128, DType::u8);
  for (int i = 0; i < 32; ++i) write_png(folder_ / "same" / fmt::format("{:02}.png", i), gray);
  const std::string flags =
      "--data " + path("same") + " --hidden 24 --epochs 6 --monitor-every 1 --on-collapse variance ";
  const CommandResult whole = train_resnet("simclr", "whole", flags);
  ASSERT_EQ(whole.status, 0) << whole.err;
  ASSERT_NE(whole.err.find("the variance term joins the loss"), std::string::npos) << whole.err;
  std::vector<bool> with_term;
  for (const Json& event : read_metrics(folder_ / "whole/metrics.jsonl"))
    if (is_event(event, "step")) with_term.push_back(event.contains("loss/variance"));
  EXPECT_FALSE(with_term.front());
  EXPECT_TRUE(with_term.back());
  // Stopped after the term has joined, in the middle of the last epoch.
  ASSERT_EQ(train_resnet("simclr", "halved", flags + "--steps 11").status, 0);
  ASSERT_EQ(train_resnet("simclr", "halved", flags + "--resume").status, 0);
  EXPECT_TRUE(read_file(folder_ / "whole/last.safetensors") == read_file(folder_ / "halved/last.safetensors"));
}

TEST_F(MethodsRunTest, InspectLeakAcceptsOnlyMoCoRuns) {
  ASSERT_EQ(train_resnet("moco", "moco", "--queue 64 --epochs 1").status, 0);
  const CommandResult leak = minissl_command("inspect leak --json --run " + path("moco"), folder_);
  ASSERT_EQ(leak.status, 0) << leak.err;
  const Json result = Json::parse(leak.out);
  EXPECT_EQ(result.at("images"), 64);
  EXPECT_EQ(result.at("batches"), 4);
  for (const char* rate : {"as_trained", "permuted"}) {
    EXPECT_GE(result.at(rate).get<double>(), 0);
    EXPECT_LE(result.at(rate).get<double>(), 1);
  }
  ASSERT_EQ(train_resnet("simclr", "simclr", "--hidden 24 --epochs 1").status, 0);
  const CommandResult other = minissl_command("inspect leak --run " + path("simclr"), folder_);
  EXPECT_EQ(other.status, 1);
  EXPECT_NE(other.err.find("it trained simclr"), std::string::npos) << other.err;
}

// Every key of a preset is a flag of its method, with a valid value: the run fails only for lack of data.
}  // namespace
}  // namespace minissl
