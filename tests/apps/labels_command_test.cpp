#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "tests/apps/command_line.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;
using testing::AllOf;
using testing::HasSubstr;
using testing::Not;

class LabelsCommand : public TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    const CommandResult trained =
        run("train simclr --data synth:8:32 --channels 1 --stem small --width 8 --size 16 --batch 4 "
            "--dim 8 --hidden 8 --epochs 1 --steps 1 --monitor-every 0 --threads 1 --out " +
            path("run"));
    ASSERT_EQ(trained.status, 0) << trained.err;
    ASSERT_EQ(run("data synth --images 60 --size 32 --out " + path("made")).status, 0);
    // NIH's layout: one folder, labels in its table. Three images of a patient.
    std::string csv = "Image Index,Finding Labels,Follow-up #,Patient ID\n";
    fs::create_directories(path("images"));
    for (int i = 0; i < 60; ++i) {
      const char* const kind[] = {"normal", "opacity", "enlarged_heart"};
      const std::string name = fmt::format("{:08}_000.png", i);
      fs::copy_file(path(fmt::format("made/{}/{:06}.png", kind[i % 3], i)), path("images/" + name));
      csv += fmt::format("{},{},0,{}\n", name,
                         i % 3 == 0   ? "No Finding"
                         : i % 3 == 1 ? "Opacity"
                         : i % 2 == 0 ? "Cardiomegaly|Opacity"
                                      : "Cardiomegaly",
                         i / 3);
    }
    write_file(path("nih.csv"), csv + "99999999_000.png,Hernia,0,77\n");
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  CommandResult run(const std::string& command) const { return minissl_command(command, folder_); }
  CommandResult eval(const std::string& kind, const std::string& more) const {
    return run("eval " + kind + " --threads 1 --weights " + path("run/backbone.safetensors") + " --train " +
               path("images") + " --test " + path("images") + " " + more);
  }
  std::string sides() const {
    return "--labels " + path("split/train.csv") + " --test-labels " + path("split/test.csv");
  }
};

TEST_F(LabelsCommand, ASplitByPatientsIsWhatEvalTakes) {
  const std::string split =
      "data split " + path("images") + " --labels " + path("nih.csv") + " --test-fraction 0.3 --seed 1 --out ";
  const CommandResult first = run(split + path("split"));
  ASSERT_EQ(first.status, 0) << first.err;
  EXPECT_THAT(first.err, HasSubstr("1 of 61 rows have no image: 99999999_000.png"));
  EXPECT_THAT(first.out, HasSubstr("Cardiomegaly"));
  ASSERT_EQ(run(split + path("again")).status, 0);
  EXPECT_EQ(read_file(path("split/test.csv")), read_file(path("again/test.csv")));

  for (const char* kind : {"linear", "knn --k 5"}) {
    const CommandResult result = eval(kind, sides() + " --json --baselines");
    ASSERT_EQ(result.status, 0) << result.err;
    const auto json = nlohmann::json::parse(result.out);
    EXPECT_EQ(json.at("n_train").get<int>() + json.at("n_test").get<int>(), 60);
    EXPECT_EQ(json.at("n_test"), 18);
    const auto& opacity = json.at("auc").at("Opacity");
    EXPECT_LE(opacity.at("low").get<double>(), opacity.at("auc").get<double>());
    EXPECT_LE(opacity.at("auc").get<double>(), opacity.at("high").get<double>());
    EXPECT_EQ(opacity.at("n_positive").get<int>() + opacity.at("n_negative").get<int>(), 18);
    EXPECT_NEAR(json.at("mean_auc").get<double>(),
                (opacity.at("auc").get<double>() + json.at("auc").at("Cardiomegaly").at("auc").get<double>()) / 2,
                1e-12);
    EXPECT_TRUE(json.at("pixels").at("mean_auc").is_number());
    EXPECT_THAT(result.err, HasSubstr("no row in it and are left out"));
  }
  const CommandResult text = eval("linear", sides());
  EXPECT_THAT(text.out,
              AllOf(HasSubstr("AUC of logistic regression"), HasSubstr("mean of these"), Not(HasSubstr("nan"))));
  const CommandResult probe = eval("probe --shots 3 --repeats 2", sides() + " --json");
  ASSERT_EQ(probe.status, 0) << probe.err;
  EXPECT_TRUE(nlohmann::json::parse(probe.out).at("auc").at("Opacity").at("3").at("mean").is_number());
}

TEST_F(LabelsCommand, NoPatientIsOnBothSides) {
  const CommandResult both = eval("knn", "--labels " + path("nih.csv"));
  EXPECT_EQ(both.status, 1);
  EXPECT_THAT(both.err,
              AllOf(HasSubstr("20 of the 20 patients of --test are in --train as well (0, 1, 10, 11, 12 and 15 more)"),
                    HasSubstr("minissl data split"), Not(HasSubstr("encoder"))));
  // Without patients, images on both sides are said.
  std::string csv = "path,labels\n";
  for (int i = 0; i < 60; ++i) csv += fmt::format("{:08}_000.png,{}\n", i, i % 2 == 0 ? "always;even" : "always");
  write_file(path("own.csv"), csv);
  const CommandResult warned = eval("knn", "--labels " + path("own.csv"));
  EXPECT_EQ(warned.status, 0) << warned.err;
  EXPECT_THAT(warned.err, HasSubstr("warning: 60 of 60 images of --test are in --train as well"));
  EXPECT_THAT(
      warned.err,
      HasSubstr(
          "no figures for always, which is left out of the mean: 60 images with it and 0 without it to learn from"));
  EXPECT_THAT(warned.out, Not(HasSubstr("always")));
}

TEST_F(LabelsCommand, WrongFlagsAreOneLine) {
  EXPECT_EQ(eval("knn", "--labels " + path("nih.csv") + " --uncertain maybe").status, 2);
  EXPECT_THAT(eval("knn", "--labels " + path("nih.csv") + " --classes shared").err,
              HasSubstr("--classes chooses among classes"));
  EXPECT_THAT(eval("knn", "--test-labels " + path("nih.csv")).err, HasSubstr("--test-labels needs --labels"));
  EXPECT_THAT(eval("knn", "--labels " + path("none.csv")).err, HasSubstr("none.csv"));
}

TEST_F(LabelsCommand, TrainingTakesTheListedImages) {
  ASSERT_EQ(run("data split " + path("images") + " --labels " + path("nih.csv") + " --test-fraction 0.3 --out " +
                path("split"))
                .status,
            0);
  const CommandResult result =
      run("train simclr --data " + path("images") + " --labels " + path("split/train.csv") +
          " --channels 1 --stem small --width 8 --size 16 --batch 4 --dim 8 --hidden 8 --epochs 1 --steps 1 "
          "--monitor-every 0 --threads 1 --out " +
          path("listed"));
  ASSERT_EQ(result.status, 0) << result.err;
  EXPECT_THAT(result.err,
              AllOf(HasSubstr("18 of 60 images have no row in it and are left out"), HasSubstr(": 42 images,")));
  EXPECT_THAT(read_file(path("listed/config.toml")),
              AllOf(HasSubstr("train.csv"), HasSubstr("uncertain = \"ignore\"")));
  const CommandResult repeated =
      run("train simclr --config " + path("listed/config.toml") + " --out " + path("repeated"));
  ASSERT_EQ(repeated.status, 0) << repeated.err;
  EXPECT_TRUE(read_file(path("listed/last.safetensors")) == read_file(path("repeated/last.safetensors")));
}

TEST_F(LabelsCommand, OutputsThatCannotBeWrittenAreFoundFirst) {
  const std::string weights = " --weights " + path("run/backbone.safetensors");
  const std::string lost = path("missing/file");
  write_file(path("plain"), "");
  for (const std::string& command : {
           "embed --data synth:4:32" + weights + " --out " + lost + ".npy",
           "embed --data synth:4:32" + weights + " --out " + path("e.npy") + " --images-out " + lost,
           "data pack synth:4:32 --out " + lost,
           "data split " + path("images") + " --labels " + path("nih.csv") + " --out " + path("plain/x"),
           "data synth --images 4 --out " + path("plain"),
           "inspect step simclr --weights w --views v --out " + lost,
           "inspect graph simclr --out " + lost + ".svg",
           "inspect views simclr --data synth:4:32 --out " + lost + ".png",
           "monitor --run " + path("run") + " --data synth:8:32 --out " + lost + ".png",
           "report " + path("run") + " --out " + lost + ".html",
           "bench step simclr --trace " + lost,
           "data pack synth:4:32 --out " + path("images"),
           "embed --data synth:4:32" + weights + " --out /dev/null/e.npy",
       }) {
    const CommandResult result = run(command);
    EXPECT_EQ(result.status, 1) << command;
    EXPECT_TRUE(result.err.starts_with("minissl: --")) << command << ": " << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << command << ": " << result.err;
  }
}

}  // namespace
}  // namespace minissl
