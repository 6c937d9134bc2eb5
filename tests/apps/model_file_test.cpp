#include "apps/model_file.h"

#include "nn/state_file.h"
#include "tests/apps/command_line.h"

/// Weights files whose metadata ask for more than the file holds.
namespace minissl {
namespace {

class ModelFileTest : public TemporaryFolder {
 protected:
  /// A file of a few hundred bytes: the metadata of a model, with these values in place of the usual ones, and a
  /// tensor.
  std::filesystem::path small_file(const std::string& flags, const Metadata& changed = {}) const {
    Metadata metadata{{"format", "minissl"}, {"content", flags.empty() ? "backbone" : "method"},
                      {"arch", "resnet18"},  {"channels", "3"},
                      {"size", "32"},        {"mean", "0,0,0"},
                      {"std", "1,1,1"},      {"method", "moco"},
                      {"epochs", "1"}};
    if (!flags.empty()) metadata["flags"] = flags;
    for (const auto& [key, value] : changed) metadata[key] = value;
    save_safetensors(folder_ / "small.safetensors", {{"conv1.weight", Tensor::zeros({1})}}, metadata);
    return folder_ / "small.safetensors";
  }
  /// The error of loading it, which takes no memory worth mentioning.
  static std::string refusal(const std::filesystem::path& file) {
    allocator().reset_peak();
    const int64_t before = allocator().usage().peak;
    const std::string error = error_of([&] { PretrainedEncoder(file, NetworkFlags("resnet18")); });
    EXPECT_LT(allocator().usage().peak, before + (int64_t{1} << 20)) << error;
    EXPECT_TRUE(error.starts_with(file.string() + ": ")) << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    return error;
  }
};

TEST_F(ModelFileTest, SizesThatOverflowAreRefused) {
  for (const char* dim : {"9223372036854775807", "4611686018427387904", "1099511627776", "72057594037927936"})
    EXPECT_NE(refusal(small_file(fmt::format("dim = {}\n", dim))).find("the network that it is for can't be made"),
              std::string::npos);
  for (const char* queue : {"9223372036854775807", "36028797018963968"})
    EXPECT_NE(refusal(small_file(fmt::format("queue = {}\n", queue))), "");
  for (const char* width :
       {"9223372036854775807", "2305843009213693952", "1152921504606846976", "-8", "0", "1024", "1048576"})
    EXPECT_NE(refusal(small_file("", {{"width", width}})), "") << width;
  for (const char* size : {"9223372036854775807", "0", "-1", "8193"})
    EXPECT_NE(refusal(small_file("", {{"size", size}})).find("images of"), std::string::npos) << size;
}

TEST_F(ModelFileTest, ShapesAreComparedBeforeMemoryIsTaken) {
  EXPECT_NE(refusal(small_file("", {{"width", "256"}})).find("conv1.weight is [1] there, but [256, 3, 7, 7] is needed"),
            std::string::npos);
  EXPECT_NE(refusal(small_file("dim = 128\nqueue = 1000000000\n")).find("no tensor encoder_q.conv1.weight in it"),
            std::string::npos);
}

TEST_F(ModelFileTest, TheCommandSaysSoInOneLine) {
  const std::string file = small_file("dim = 9223372036854775807\n").string();
  const CommandResult result =
      minissl_command("embed --weights " + file + " --data synth:8 --out " + (folder_ / "e.npy").string(), folder_);
  EXPECT_EQ(result.status, 1);
  EXPECT_TRUE(result.err.starts_with("minissl: " + file + ": the network that it is for can't be made: "))
      << result.err;
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
}

TEST_F(ModelFileTest, AStepOfMoreImagesThanCanBeCountedIsRefused) {
  const CommandResult result = minissl_command(
      "train simclr --data synth:64:32 --width 8 --size 16 --dim 8 --hidden 8 --batch 4294967296 --accumulate "
      "4294967296 "
      "--out " +
          (folder_ / "run").string(),
      folder_);
  EXPECT_TRUE(result.status == 1 || result.status == 2) << result.status;
  EXPECT_EQ(result.err.find("terminate"), std::string::npos);
}

}  // namespace
}  // namespace minissl
