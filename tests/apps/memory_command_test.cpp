#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/memory_flags.h"
#include "nn/state_file.h"
#include "tensor/memory_source.h"
#include "tests/apps/command_line.h"
#include "tests/samples/sample.h"

namespace minissl {
namespace {

class MemoryCommandTest : public TemporaryFolder {
 protected:
  CommandResult minissl(const std::string& arguments) { return minissl_command(arguments + " --threads 2", folder_); }
  nlohmann::json memory(const std::string& arguments) {
    const CommandResult result = minissl("inspect memory " + arguments + " --json");
    EXPECT_EQ(result.status, 0) << result.err;
    return nlohmann::json::parse(result.out);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
};

TEST_F(MemoryCommandTest, TellsWhatIsPromised) {
  const auto json = memory("barlow --arch resnet50 --batch 512 --memory-budget 22GiB");
  for (const char* field : {"peak_bytes", "activation_bytes", "parameter_bytes", "optimizer_bytes",
                            "extra_flops_percent", "plan", "stages", "uses"})
    EXPECT_TRUE(json.contains(field)) << field;
  EXPECT_LE(json.at("reserved_bytes").get<int64_t>(), int64_t{22} << 30);
  EXPECT_LE(json.at("extra_flops_percent").get<double>(), 15);
  EXPECT_EQ(json.at("stages").size(), 12U);  // five per view, projector, loss
  int64_t stages = 0;
  for (const auto& stage : json.at("stages")) stages += stage.at("bytes").get<int64_t>();
  EXPECT_EQ(stages, json.at("activation_bytes"));
  EXPECT_LE(memory("barlow --arch resnet50 --batch 512 --precision bf16 --memory-budget 22GiB")
                .at("extra_flops_percent")
                .get<double>(),
            4);
  EXPECT_LE(memory("barlow --arch resnet50 --batch 1024 --precision bf16 --memory-budget 22GiB")
                .at("extra_flops_percent")
                .get<double>(),
            15);
  const CommandResult table = minissl("inspect memory moco --batch 64 --recompute block");
  EXPECT_EQ(table.status, 0);
  EXPECT_NE(table.out.find("view 1 layer4"), std::string::npos) << table.out;
}

TEST_F(MemoryCommandTest, WhatDoesNotFitSaysWhatWould) {
  const CommandResult result = minissl("inspect memory moco --batch 512 --memory-budget 2GiB");
  EXPECT_EQ(result.status, 1);
  EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << result.err;
  const auto after = [&](const std::string& words) {
    const size_t at = result.err.find(words);
    EXPECT_NE(at, std::string::npos) << result.err;
    return result.err.substr(at + words.size());
  };
  const std::string batch = std::to_string(std::stoi(after("the largest batch that fits is ")));
  EXPECT_EQ(minissl("inspect memory moco --memory-budget 2GiB --batch " + batch).status, 0);
  EXPECT_EQ(minissl("inspect memory moco --memory-budget 2GiB --batch " + std::to_string(2 * std::stoi(batch))).status,
            1);
  const double gib = std::stod(after("batch 512 needs "));
  EXPECT_EQ(minissl(fmt::format("inspect memory moco --batch 512 --memory-budget {}GiB", gib + 0.01)).status, 0);
  EXPECT_NE(minissl("inspect memory moco --batch 100").status, 0) << "does not divide the queue";
  EXPECT_NE(minissl("inspect memory moco --memory-budget plenty").err.find("no amount of memory"), std::string::npos);
}

// Images large enough that budgets matter; recompute_test.cpp has every method, and f64.
TEST_F(MemoryCommandTest, InspectStepWritesTheSameBytesAtEveryBudget) {
  const auto method =
      MethodFlags::from_toml("barlow", "dim = 16\nhidden = 16\n").make(NetworkFlags("resnet18"), 1, DType::f32);
  save_safetensors(path("init.safetensors"), file_tensors(*method), {});
  NamedTensors views;
  for (const char* name : {"step0/view1", "step0/view2"})
    views.emplace_back(name,
                       samples::normal({}).draw({32, 3, 80, 80}, Random(1, RandomSite::test, 0, hash_name(name))));
  save_safetensors(path("views.safetensors"), views, {});
  const std::string flags = "barlow --arch resnet18 --size 80 --dim 16 --hidden 16 ";
  const auto step = [&](const std::string& more) {
    const CommandResult result = minissl("inspect step " + flags + more + " --weights " + path("init.safetensors") +
                                         " --views " + path("views.safetensors") + " --out " + path("out.safetensors"));
    EXPECT_EQ(result.status, 0) << result.err;
    return read_file(path("out.safetensors"));
  };
  const auto needed = [&](const std::string& more) {
    return memory(flags + "--batch 32 " + more).at("reserved_bytes").get<int64_t>();
  };
  const int64_t least = needed("--recompute stage"), most = needed("");
  ASSERT_LT(least, most * 9 / 10);
  const std::string expected = step("");
  for (const std::string& recompute :
       {std::string("--recompute stage"), std::string("--recompute block"), std::string("--recompute auto"),
        fmt::format("--memory-budget {}", least), fmt::format("--memory-budget {}", (least + most) / 2)})
    EXPECT_TRUE(step(recompute) == expected) << recompute;
}

TEST_F(MemoryCommandTest, TrainPredictsItsPeak) {
  for (const std::string flags :
       {"--recompute none", "--recompute block", "--precision bf16",
        "--channels 3 --size 32 --width 8 --batch 8 --eval-train synth:2000:32:1 --eval-test synth:300:32:2"}) {
    const CommandResult result = minissl(
        fmt::format("train barlow --data synth:64 --out {} --arch resnet18 --channels 1 --size 64 --batch 32 --dim 16 "
                    "--hidden 16 --epochs 1 --monitor-every 1 --monitor-samples 64 {}",
                    path("run_" + flags.substr(flags.size() - 4)), flags));
    ASSERT_EQ(result.status, 0) << result.err;
    const size_t at = result.err.find("memory: predicted ");
    ASSERT_NE(at, std::string::npos) << result.err;
    const std::string line = result.err.substr(at, result.err.find('\n', at) - at);
    double predicted = 0, actual = 0;
    ASSERT_EQ(std::sscanf(line.c_str(), "memory: predicted %lf MiB, actual %lf MiB", &predicted, &actual), 2) << line;
    EXPECT_NEAR(actual, predicted, 0.03 * predicted) << line;
  }
}

TEST_F(MemoryCommandTest, APlanFitsAStepIntoALimitThatItExceedsOtherwise) {
  if (sanitized) GTEST_SKIP() << "sanitizers take address space of their own";
  const auto within = [&](int64_t bytes, const std::string& arguments) {
    return minissl_command(arguments, folder_, fmt::format("ulimit -v {}; MALLOC_ARENA_MAX=1 ", bytes >> 10));
  };
  // The program and its libraries; CUDA's alone may take half a gigabyte.
  int64_t program = 16 << 20;
  while (within(program, "--version").status != 0) ASSERT_LT(program += 16 << 20, int64_t{16} << 30);
  const std::string flags = "barlow --size 128 --batch 48 --dim 64 --hidden 64";
  const auto all = memory(flags).at("reserved_bytes").get<int64_t>();
  // The tensors' need minus 100 MiB, plus address space for the program, its stacks and heaps.
  const auto limited = [&](const std::string& more) {
    return within(all - (100 << 20) + program + (64 << 20),
                  "bench step " + flags + " --steps 1 --warmup 0 --json --threads 2 " + more);
  };
  const CommandResult without = limited("");
  EXPECT_EQ(without.status, 1) << without.out;
  EXPECT_NE(without.err.find("out of memory"), std::string::npos) << without.err;
  EXPECT_NE(without.err.find("would fit"), std::string::npos) << without.err;
  const CommandResult with = limited("--memory-budget auto");
  ASSERT_EQ(with.status, 0) << with.err;
  const auto json = nlohmann::json::parse(with.out);
  EXPECT_NEAR(json.at("predicted_peak_bytes").get<double>(), json.at("allocator_peak_bytes").get<double>(),
              0.03 * json.at("allocator_peak_bytes").get<double>());
  EXPECT_LT(json.at("allocator_reserved_bytes").get<int64_t>(), all - (50 << 20));
}

TEST(ParseBytes, KnowsUnits) {
  EXPECT_EQ(parse_bytes("22GiB"), int64_t{22} << 30);
  EXPECT_EQ(parse_bytes("1.5KiB"), 1536);
  EXPECT_EQ(parse_bytes("512MB"), 512000000);
  EXPECT_EQ(parse_bytes("4096"), 4096);
  for (const char* wrong : {"", "GiB", "-1GiB", "3 potatoes", "0"}) EXPECT_THROW(parse_bytes(wrong), Error) << wrong;
  EXPECT_GT(available_memory(), 0);
}

}  // namespace
}  // namespace minissl
