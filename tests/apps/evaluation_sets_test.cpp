#include "apps/evaluation_sets.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "data/sources/synth.h"
#include "tests/apps/small_run.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::Not;

/// Images without pixels.
class Listed final : public Dataset {
 public:
  Listed(std::vector<std::string> classes, std::vector<int64_t> labels)
      : classes_(std::move(classes)), labels_(std::move(labels)) {}
  int64_t size() const override { return static_cast<int64_t>(labels_.size()); }
  Image load(int64_t) const override { throw Error("an image was asked for"); }
  int64_t label(int64_t i) const override { return labels_[static_cast<size_t>(i)]; }
  std::string name(int64_t i) const override { return fmt::format("{}.png", i); }
  const std::vector<std::string>& class_names() const override { return classes_; }

 private:
  std::vector<std::string> classes_;
  std::vector<int64_t> labels_;
};

std::shared_ptr<const Dataset> listed(std::vector<std::string> classes, std::vector<int64_t> labels) {
  return std::make_shared<Listed>(std::move(classes), std::move(labels));
}

std::vector<int64_t> labels_of(const Dataset& dataset) {
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < dataset.size(); ++i) labels.push_back(dataset.label(i));
  return labels;
}

std::string refusal(const std::shared_ptr<const Dataset>& train, const std::shared_ptr<const Dataset>& test,
                    std::vector<std::string> classes = {}, const std::string& prefix = "") {
  return error_of([&] { evaluation_sets(train, test, {"A", "B", std::move(classes), prefix}); });
}

TEST(EvaluationSets, TheMessageNamesWhatDiffersAndTheFlag) {
  EXPECT_THAT(refusal(listed({"bird", "cat", "dog"}, {0, 1, 2}), listed({"cat", "dog"}, {0, 1})),
              testing::AllOf(HasSubstr("1 class of --train (bird)"), Not(HasSubstr("of --test")),
                             HasSubstr("--classes shared evaluates the 2 classes that both have")));
  EXPECT_THAT(
      refusal(listed({"cat", "dog"}, {0, -1, 1}), listed({"cat", "dog"}, {0, 1}), {}, "eval-"),
      testing::AllOf(HasSubstr("1 image of --eval-train without a label (1.png)"), HasSubstr("--eval-classes shared")));
  EXPECT_THAT(refusal(listed({"a"}, {0}), listed({"b"}, {0})), HasSubstr("have no class in common"));
  EXPECT_THAT(refusal(listed({}, {-1}), listed({"b"}, {0})),
              HasSubstr("--train A: an evaluation needs labelled images"));
}

TEST(EvaluationSets, TwoThousandClassesFitAScreen) {
  std::vector<std::string> many, others;
  for (int i = 0; i < 2000; ++i) many.push_back(fmt::format("class{}", i)), others.push_back(fmt::format("other{}", i));
  others.front() = many.front();
  const std::string message = refusal(listed(many, {0}), listed(others, {0}));
  EXPECT_THAT(message, HasSubstr("1999 classes of --train (class1, class2, class3, class4, class5 and 1994 more)"));
  EXPECT_LT(message.size(), 500U);
  EXPECT_LT(refusal(listed(many, {0}), listed(many, {0}), {"none"}).size(), 500U);
}

TEST(EvaluationSets, SharedClassesAreRenumberedAndTheRestIsLeftOut) {
  const auto sets = evaluation_sets(listed({"bird", "cat", "dog"}, {0, 1, -1, 2}),
                                    listed({"cat", "cow", "dog"}, {0, 1, 2, 2}), {"A", "B", {"shared"}});
  EXPECT_THAT(sets.train->class_names(), ElementsAre("cat", "dog"));
  EXPECT_EQ(sets.test->class_names(), sets.train->class_names());
  EXPECT_THAT(labels_of(*sets.train), ElementsAre(0, 1));
  EXPECT_THAT(labels_of(*sets.test), ElementsAre(0, 1, 1));
  EXPECT_EQ(sets.train->name(1), "3.png");
}

// Two sources may list the same classes in another order: labels are compared by name.
TEST(EvaluationSets, AnotherOrderOfTheSameClassesIsTheSame) {
  const auto sets = evaluation_sets(listed({"cat", "dog"}, {0, 1}), listed({"dog", "cat"}, {0, 1}), {"A", "B", {}});
  EXPECT_THAT(sets.test->class_names(), ElementsAre("cat", "dog"));
  EXPECT_THAT(labels_of(*sets.test), ElementsAre(1, 0));
}

TEST(EvaluationSets, ListsOfClasses) {
  const auto animals = listed({"bird", "cat", "dog"}, {0, 1, 2});
  EXPECT_THAT(labels_of(*evaluation_sets(animals, animals, {"A", "B", {"dog", "bird"}}).train), ElementsAre(1, 0));
  EXPECT_THAT(refusal(animals, animals, {"cow"}),
              HasSubstr("there is no class cow in --train; there are bird, cat, dog"));
  const auto named_shared = listed({"other", "shared"}, {0, 1});
  EXPECT_THAT(refusal(named_shared, named_shared, {"shared"}), HasSubstr("there is a class of this name"));
}

/// The binary, with weights made once.
class EvalCommand : public TemporaryFolder {
 protected:
  void SetUp() override {
    TemporaryFolder::SetUp();
    const CommandResult run = minissl_command(one_step_run + "--out " + path("run"), folder_);
    ASSERT_EQ(run.status, 0) << run.err;
    ASSERT_EQ(minissl_command("data synth --images 24 --size 32 --out " + path("train"), folder_).status, 0);
    ASSERT_EQ(minissl_command("data synth --images 12 --size 32 --seed 1 --out " + path("test"), folder_).status, 0);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  CommandResult eval(const std::string& kind, const std::string& more = "") const {
    return minissl_command("eval " + kind + " --threads 1 --weights " + path("run/backbone.safetensors") + " --train " +
                               path("train") + " --test " + path("test") + " " + more,
                           folder_);
  }
};

TEST_F(EvalCommand, LabelsAreCheckedBeforeAnyImageIsEmbedded) {
  fs::copy_file(path("train/normal/000000.png"), path("train/overview.png"));
  for (const char* kind : {"knn", "linear", "probe --shots 1"}) {
    const CommandResult result = eval(kind);
    EXPECT_EQ(result.status, 1);
    EXPECT_THAT(result.err, HasSubstr("(overview.png)"));
    EXPECT_THAT(result.err, Not(HasSubstr("encoder"))) << "nothing was embedded";
  }
  const CommandResult shared = eval("knn", "--classes shared --json");
  ASSERT_EQ(shared.status, 0) << shared.err;
  EXPECT_EQ(nlohmann::json::parse(shared.out).at("n_train"), 24);
  EXPECT_THAT(shared.err, HasSubstr("left out: 1 image of --train without a label (overview.png)"));
  const CommandResult train = minissl_command(
      "train simclr --data synth:8:32 --channels 1 --stem small --width 8 --size 16 --batch 4 --dim 8 --hidden 8 "
      "--epochs 1 "
      "--threads 1 --out " +
          path("other") + " --eval-train " + path("train") + " --eval-test " + path("test"),
      folder_);
  EXPECT_EQ(train.status, 1);
  EXPECT_THAT(train.err, HasSubstr("(overview.png)"));
  EXPECT_FALSE(fs::exists(path("other")));
}

TEST_F(EvalCommand, FiguresCountTheImagesThatCouldBeRead) {
  // Every test image of one class is broken, and one training image of another.
  for (const auto& entry : fs::directory_iterator(path("test/opacity"))) write_file(entry.path(), "\x89PNG\r\n\x1a\n");
  write_file(path("train/normal/000000.png"), "\x89PNG\r\n\x1a\n");
  const CommandResult json = eval("knn", "--json --k 100 --max-bad-fraction 0.5");
  ASSERT_EQ(json.status, 0) << json.err;
  const auto figures = nlohmann::json::parse(json.out);
  EXPECT_EQ(figures.at("n_train"), 23);
  EXPECT_EQ(figures.at("n_test"), 8);
  EXPECT_TRUE(figures.at("per_class").at("opacity").is_null());
  EXPECT_TRUE(figures.at("auc").at("opacity").is_null());
  EXPECT_THAT(json.err, HasSubstr("--test has no readable image of opacity: no figures for this class"));
  const CommandResult text = eval("knn", "--k 100 --max-bad-fraction 0.5");
  EXPECT_THAT(text.out, testing::AllOf(HasSubstr("k = 23, 23 images to learn from, 8 to test on"),
                                       Not(HasSubstr("nan")), Not(HasSubstr("opacity")), HasSubstr("normal")));
  const CommandResult probe = eval("probe --shots 7 --repeats 2", "--json --max-bad-fraction 0.5");
  ASSERT_EQ(probe.status, 0) << probe.err;
  EXPECT_TRUE(nlohmann::json::parse(probe.out).at("auc").at("opacity").at("7").at("mean").is_null());
  EXPECT_TRUE(nlohmann::json::parse(probe.out).at("mean_auc").at("7").is_number());
}

TEST_F(EvalCommand, TheSameImagesOnBothSidesAreSaid) {
  EXPECT_THAT(eval("knn", "--test " + path("train/../train")).err,
              HasSubstr("warning: --train and --test are the same"));
  EXPECT_THAT(eval("knn").err, Not(HasSubstr("warning")));
}

TEST_F(EvalCommand, ARunSaysWhatIsLeftOutOfItsEvaluation) {
  write_file(folder_ / "test/notes.txt", "text");
  const CommandResult run = minissl_command(
      one_step_run + "--out " + path("other") + " --eval-train " + path("train") + " --eval-test " + path("test"),
      folder_);
  EXPECT_EQ(run.status, 0) << run.err;
  EXPECT_THAT(run.err, HasSubstr("notes.txt for one"));
}

}  // namespace
}  // namespace minissl
