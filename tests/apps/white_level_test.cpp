#include <gmock/gmock.h>

#include "formats/safetensors.h"
#include "tests/apps/command_line.h"
#include "tests/apps/small_run.h"

/// White in 16-bit images is a property of the run.
namespace minissl {
namespace {

namespace fs = std::filesystem;
using testing::HasSubstr;

class WhiteLevelTest : public TemporaryFolder {
 protected:
  /// 32 pictures of 16 bits (PGM, whatever their names say), the brightest value of which is `brightest`.
  std::string pictures(const std::string& name, int brightest) const {
    fs::create_directories(folder_ / name);
    for (int i = 0; i < 32; ++i) {
      std::string pgm = "P5 16 16 65535\n";
      for (int p = 0; p < 256; ++p) {
        const int value = p == 0 ? brightest : (brightest - 1) * ((p * 7 + i * 13) % 256) / 256;
        pgm += static_cast<char>(value >> 8), pgm += static_cast<char>(value & 255);
      }
      write_file(folder_ / name / fmt::format("{:02}.png", i), pgm);
    }
    return (folder_ / name).string();
  }
  CommandResult train(const std::string& data, const std::string& more = "") const {
    return minissl_command("train simclr --data " + data + " --out " + run().string() +
                               " --channels 1 --arch resnet18 --stem small --width 8 --size 16 --batch 16 --dim 8 "
                               "--hidden 8 --monitor-samples 16 --threads 1 " +
                               more,
                           folder_);
  }
  fs::path run() const { return folder_ / "run"; }
  static std::string level_in(const fs::path& file) { return SafetensorsReader(file).metadata().at("max_value"); }
  /// The brightest pixel that the encoder sees, before normalisation.
  double brightest(const std::string& data, const std::string& more = "") const {
    const fs::path seen = folder_ / "seen.safetensors";
    const CommandResult result = minissl_command(
        fmt::format("embed --weights {} --data {} --out {} --images-out {} {}",
                    (run() / "backbone.safetensors").string(), data, (folder_ / "e.npy").string(), seen.string(), more),
        folder_);
    EXPECT_EQ(result.status, 0) << result.err;
    const auto values = load_safetensors(seen).tensors.front().second.to_vector();
    const Metadata metadata = SafetensorsReader(run() / "backbone.safetensors").metadata();
    return *std::max_element(values.begin(), values.end()) * std::stod(metadata.at("std")) +
           std::stod(metadata.at("mean"));
  }
};

TEST_F(WhiteLevelTest, IsThatOfTheTrainingWhereverItsWeightsGo) {
  const std::string data = pictures("data", 3000), darker = pictures("darker", 800);
  const CommandResult trained = train(data, "--epochs 1");
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_THAT(trained.err, HasSubstr("16-bit images: 4095 becomes white (--max-value sets another)"));
  EXPECT_EQ(level_in(run() / "last.safetensors"), "4095");
  EXPECT_EQ(level_in(run() / "backbone.safetensors"), "4095");
  EXPECT_NEAR(brightest(darker), 800.0 / 4095, 1e-4);
  EXPECT_NEAR(brightest(darker, "--max-value 1000"), 0.8, 1e-4);

  // The images have changed since, and look as if white were 1023.
  pictures("data", 800);
  const CommandResult resumed = train(data, "--epochs 2 --resume");
  ASSERT_EQ(resumed.status, 0) << resumed.err;
  EXPECT_THAT(resumed.err, HasSubstr("16-bit images: 4095 becomes white"));
  EXPECT_EQ(level_in(run() / "last.safetensors"), "4095");
}

TEST_F(WhiteLevelTest, IsAsGiven) {
  const CommandResult trained = train(pictures("data", 3000), "--epochs 1 --max-value 5000");
  ASSERT_EQ(trained.status, 0) << trained.err;
  EXPECT_EQ(level_in(run() / "last.safetensors"), "5000");
}

TEST_F(WhiteLevelTest, BeyondSixteenBitsIsWrongUsage) {
  for (const std::string command :
       {"train simclr --data synth:8 --out r", "embed --weights w --data synth:8 --out e.npy",
        "eval knn --weights w --train synth:8 --test synth:8", "data check synth:8", "data pack synth:8 --out p"})
    for (const char* value : {"70000", "65536", "-1"}) {
      const CommandResult result = minissl_command(command + " --max-value " + value, folder_);
      EXPECT_EQ(result.status, 2) << command << ": " << result.err;
      EXPECT_THAT(result.err, HasSubstr("--max-value"));
    }
}

}  // namespace
}  // namespace minissl
