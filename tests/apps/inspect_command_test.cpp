#include <gtest/gtest.h>
#include <set>

#include "apps/graph_picture.h"
#include "apps/method_flags.h"
#include "data/decode/decode.h"
#include "nn/state_file.h"
#include "tests/apps/command_line.h"
#include "tests/apps/html_checks.h"
#include "tests/ssl/small_step.h"

/// inspect graph, views and checkpoint; memory, step and leak have their own tests.
namespace minissl {
namespace {

class InspectCommandTest : public TemporaryFolder {
 protected:
  CommandResult inspect(const std::string& arguments) { return minissl_command("inspect " + arguments, folder_); }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
};

size_t count(const std::string& text, std::string_view part) {
  size_t n = 0;
  for (size_t at = 0; (at = text.find(part, at)) != std::string::npos; ++at) ++n;
  return n;
}

TEST(PlaceGraph, PutsOperationsBelowWhatTheyReadAndNoTwoInOnePlace) {
  for (const MethodEntry& method : methods())
    for (const ResNetDepth& depth : {resnet18, resnet50}) {
      const std::vector<StepOperation> operations = graph_of_step(describe(method.name, depth), {});
      const std::vector<GraphPlace> places = place_graph(operations);
      std::set<std::pair<int, int>> taken;
      int lanes = 0;
      for (size_t i = 0; i < operations.size(); ++i) {
        EXPECT_TRUE(taken.emplace(places[i].row, places[i].lane).second) << method.name << ", " << i;
        for (const size_t input : operations[i].inputs) EXPECT_LT(places[input].row, places[i].row);
        lanes = std::max(lanes, places[i].lane + 1);
      }
      // Two per recorded view, the second for shortcuts; VICReg's loss has another branch, SparK's scales have some,
      // and so has what depends on parameters alone.
      EXPECT_LE(lanes, 6) << method.name;
    }
}

TEST(PlaceGraph, ABranchHasItsOwnLaneAndMergesIntoTheFirst) {
  // 0 -> 1 -> 2 -> 4 and 0 -> 3 -> 4
  std::vector<StepOperation> operations(5);
  operations[1].inputs = {0}, operations[2].inputs = {1}, operations[3].inputs = {0}, operations[4].inputs = {3, 2};
  std::vector<std::pair<int, int>> at;
  for (const GraphPlace& place : place_graph(operations)) at.emplace_back(place.row, place.lane);
  EXPECT_EQ(at, (std::vector<std::pair<int, int>>{{0, 0}, {1, 0}, {2, 0}, {1, 1}, {3, 0}}));
}

TEST_F(InspectCommandTest, GraphDrawsEveryOperationAndSaysWhatIsKept) {
  const std::string flags = "graph simsiam --arch resnet18 --size 32 --batch 4 --dim 16 --hidden 16 --out ";
  const CommandResult all = inspect(flags + path("g.svg"));
  ASSERT_EQ(all.status, 0) << all.err;
  const std::string svg = read_file(path("g.svg"));
  expect_well_formed(svg);
  const size_t operations = count(svg, "class=\"box\"");
  EXPECT_NE(all.out.find(fmt::format("{} operations keep ", operations)), std::string::npos) << all.out;
  EXPECT_EQ(count(svg, "<rect class=\"part\""), 18U) << "a stem and eight blocks, twice";
  EXPECT_NE(svg.find("conv1.weight"), std::string::npos);

  const CommandResult dot = inspect(flags + path("g.dot") + " --recompute block");
  ASSERT_EQ(dot.status, 0) << dot.err;
  const std::string text = read_file(path("g.dot"));
  EXPECT_EQ(count(text, "tooltip="), operations);
  EXPECT_EQ(count(text, "subgraph"), 18U);
  EXPECT_EQ(count(text, " -> "), count(svg, "<path "));
  EXPECT_NE(between(dot.out, "keep ", " for backward"), between(all.out, "keep ", " for backward"));

  const CommandResult refused = inspect(flags + path("g.png"));
  EXPECT_EQ(refused.status, 1);
  EXPECT_NE(refused.err.find(".svg"), std::string::npos) << refused.err;
}

TEST_F(InspectCommandTest, ViewsAreThoseThatTheRunBeginsWith) {
  const std::string flags = "simclr --data synth:20:40 --channels 1 --width 8 --size 32 --batch 12 --seed 3 --out ";
  const CommandResult result = inspect("views " + flags + path("views.png"));
  ASSERT_EQ(result.status, 0) << result.err;
  ASSERT_EQ(
      minissl_command("train " + flags + path("run") + " --hidden 16 --dim 16 --steps 1 --warmup-epochs 0", folder_)
          .status,
      0);
  const Image shown = read_image(path("views.png"), {.channels = 1}),
              trained = read_image(path("run/views.png"), {.channels = 1});
  // Four groups per row: image, view 1, view 2 here, view 1 and view 2 there, 2 pixels apart; groups 6 apart.
  ASSERT_EQ(shown.width(), 4 * (3 * 32 + 2 * 2 + 6) - 6);
  ASSERT_EQ(trained.width(), 4 * (2 * 32 + 2 + 6) - 6);
  ASSERT_EQ(shown.height(), trained.height());
  const auto pixel = [](const Image& image, int64_t y, int64_t x) {
    return static_cast<int>(image.pixels.data<uint8_t>()[y * image.width() + x]);
  };
  for (int64_t y = 0; y < shown.height(); ++y)
    for (int64_t group = 0; group < 4; ++group)
      for (int64_t x = 0; x < 2 * 32 + 2; ++x)
        ASSERT_NEAR(pixel(shown, y, group * 106 + 34 + x), pixel(trained, y, group * 72 + x), 1)
            << "group " << group << " at " << x << ", " << y;

  const CommandResult one = inspect("views " + flags + path("one.png") + " --images 1");
  ASSERT_EQ(one.status, 0) << one.err;
  EXPECT_EQ(read_image(path("one.png")).width(), 100);
}

TEST_F(InspectCommandTest, ViewsTakeTheConfigOfARunAndSkipWhatIsNoImage) {
  ASSERT_EQ(minissl_command("train moco --data synth:8:32 --channels 1 --width 8 --size 16 --batch 4 --queue 8 --dim 8 "
                            "--steps 1 --warmup-epochs 0 --out " +
                                path("run"),
                            folder_)
                .status,
            0);
  ASSERT_EQ(minissl_command("data synth --images 3 --size 32 --out " + path("images"), folder_).status, 0);
  write_file(folder_ / "images" / "broken.png", "no image");
  const CommandResult result = inspect("views moco --config " + path("run/config.toml") + " --data " + path("images") +
                                       " --out " + path("views.png"));
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out.find("3 images and 2 views of each: " + path("views.png") + "\n"), 0U) << result.out;
  EXPECT_NE(result.out.find("% of the views have lost their image"), std::string::npos) << result.out;
  EXPECT_NE(result.err.find("skipped broken.png: "), std::string::npos) << result.err;
  EXPECT_EQ(count(result.err, "broken.png"), 1U) << result.err;
  EXPECT_EQ(read_image(path("views.png")).height(), 16);
}

TEST_F(InspectCommandTest, CheckpointListsTensorsAndMetadata) {
  save_safetensors(folder_ / "x.safetensors",
                   {{"a.weight", Tensor::zeros({2, 3})}, {"b", Tensor::zeros({}, DType::i64)}}, {{"method", "moco"}});
  const CommandResult table = inspect("checkpoint " + path("x.safetensors"));
  ASSERT_EQ(table.status, 0) << table.err;
  EXPECT_EQ(
      table.out,
      "method: moco\n\na.weight  F32   [2, 3]\nb         I64   []\n2 tensors, 7 numbers, 32 B, checksums: verified\n");
  const Json json = Json::parse(inspect("checkpoint --json " + path("x.safetensors")).out);
  EXPECT_EQ(json.at("metadata").at("method"), "moco");
  EXPECT_EQ(json.at("tensors").at(0), (Json{{"name", "a.weight"}, {"shape", {2, 3}}, {"dtype", "F32"}, {"bytes", 24}}));
  EXPECT_EQ(json.at("bytes"), 32);
  EXPECT_EQ(json.at("checksums"), "verified");
  write_file(folder_ / "y.safetensors", "no such thing");
  const CommandResult refused = inspect("checkpoint " + path("y.safetensors"));
  EXPECT_EQ(refused.status, 1);
  EXPECT_EQ(count(refused.err, "\n"), 1U) << refused.err;
  EXPECT_NE(refused.err.find("y.safetensors"), std::string::npos);
}

TEST_F(InspectCommandTest, StepRefusesViewsThatAreNoImagesInOneLine) {
  NetworkFlags network("resnet18");
  network.set_options({{"width", "8"}}, "");
  save_safetensors(folder_ / "w.safetensors", file_tensors(*MethodFlags("simclr").make(network, 0, DType::f32)));
  const auto step = [&](const NamedTensors& views) {
    save_safetensors(folder_ / "v.safetensors", views);
    return inspect("step simclr --width 8 --weights " + path("w.safetensors") + " --views " + path("v.safetensors") +
                   " --out " + path("o.safetensors"));
  };
  const Tensor good = Tensor::full({2, 3, 32, 32}, 0.5);
  EXPECT_EQ(step({{"step0/view1", good}, {"step0/view2", good}}).status, 0);
  for (const Tensor& bad :
       {Tensor::zeros({0, 3, 32, 32}), Tensor::zeros({2, 3, 0, 32}), Tensor::zeros({2, 32, 32, 3}),
        Tensor::zeros({3, 3, 32, 32}), Tensor::zeros({2, 3, 32, 32}, DType::i64), Tensor::zeros({})}) {
    const CommandResult refused = step({{"step0/view1", good}, {"step0/view2", bad}});
    EXPECT_EQ(refused.status, 1) << bad.str();
    EXPECT_EQ(count(refused.err, "\n"), 1U) << refused.err;
    EXPECT_NE(refused.err.find("v.safetensors: step0/view2 is "), std::string::npos) << refused.err;
    EXPECT_NE(refused.err.find("not floats (2, 3, H, W); see --channels"), std::string::npos) << refused.err;
  }
}

TEST_F(InspectCommandTest, CheckpointVerifiesChecksumsAndNamesWhatIsDamaged) {
  save_safetensors(folder_ / "x.safetensors", {{"a.weight", Tensor::zeros({2, 3})}, {"b.weight", Tensor::zeros({3})}});
  std::string bytes = read_file(folder_ / "x.safetensors");
  bytes.back() = 1;
  write_file(folder_ / "x.safetensors", bytes);
  const CommandResult damaged = inspect("checkpoint --json " + path("x.safetensors"));
  EXPECT_EQ(damaged.status, 1);
  EXPECT_EQ(damaged.out, "");
  EXPECT_EQ(count(damaged.err, "\n"), 1U) << damaged.err;
  EXPECT_NE(damaged.err.find("x.safetensors: of 2 tensors, 1 are damaged"), std::string::npos) << damaged.err;
  EXPECT_NE(damaged.err.find("b.weight"), std::string::npos) << damaged.err;
  // A file of another program.
  write_file(folder_ / "y.safetensors", std::string("\x02\0\0\0\0\0\0\0{}", 10));
  EXPECT_EQ(Json::parse(inspect("checkpoint --json " + path("y.safetensors")).out).at("checksums"), "none");
}

}  // namespace
}  // namespace minissl
