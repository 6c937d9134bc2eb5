#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "apps/run/json_text.h"
#include "tests/apps/small_run.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

TEST(JsonText, NamesAndKeysThatAreNotUtf8AreEscaped) {
  nlohmann::ordered_json json{{"b", {{"caf\xE9", 1}, {"caf\xE8", nullptr}}}, {"a", {"\xFF", 2.5, true}}};
  EXPECT_EQ(json_text(json), R"({"b":{"caf\\xe9":1,"caf\\xe8":null},"a":["\\xff",2.5,true]})");
}

class OddNames : public TemporaryFolder {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
};

TEST_F(OddNames, EveryCommandThatPrintsNamesPrintsThem) {
  ASSERT_EQ(minissl_command("data synth --images 6 --size 32 --out " + path("images"), folder_).status, 0);
  fs::rename(path("images/normal"), path("images/norm\xE1l"));
  write_file(path("images/norm\xE1l/b\xFF"
                  "d.png"),
             "no picture");
  const CommandResult check = minissl_command("data check --json " + path("images"), folder_);
  ASSERT_EQ(check.status, 0) << check.err;
  EXPECT_EQ(nlohmann::json::parse(check.out).at("bad").at(0).at("path"), "norm\\xe1l/b\\xffd.png");
  const CommandResult run = minissl_command(one_step_run + "--out " + path("run"), folder_);
  ASSERT_EQ(run.status, 0) << run.err;
  const std::string weights = " --max-bad-fraction 1 --weights " + path("run/backbone.safetensors");
  const std::string sets = weights + " --train " + path("images") + " --test " + path("images");
  const CommandResult knn = minissl_command("eval knn --json" + sets, folder_);
  ASSERT_EQ(knn.status, 0) << knn.err;
  EXPECT_TRUE(nlohmann::json::parse(knn.out).at("per_class").contains("norm\\xe1l"));
  const CommandResult probe = minissl_command("eval probe --shots 1 --json" + sets, folder_);
  ASSERT_EQ(probe.status, 0) << probe.err;
  EXPECT_TRUE(nlohmann::json::parse(probe.out).at("auc").contains("norm\\xe1l"));
  ASSERT_EQ(minissl_command("embed --data " + path("images") + weights + " --out " + path("e.npy"), folder_).status, 0);
  EXPECT_NE(read_file(path("e.csv")).find("norm\\xe1l/000000.png,norm\\xe1l\n"), std::string::npos);
}

}  // namespace
}  // namespace minissl
