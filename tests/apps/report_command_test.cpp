#include <gtest/gtest.h>

#include "tests/apps/command_line.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

class ReportCommandTest : public TemporaryFolder {
 protected:
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
  /// A run of one step.
  std::string run(const std::string& name) {
    fs::create_directories(folder_ / name);
    write_file(folder_ / name / "config.toml", "method = \"moco\"\n");
    write_file(folder_ / name / "metrics.jsonl", "{\"event\":\"step\",\"step\":0,\"epoch\":0,\"loss\":5}\n");
    return path(name);
  }
  CommandResult report(const std::string& arguments) { return minissl_command("report " + arguments, folder_); }
};

TEST_F(ReportCommandTest, OneRunIsReportedInItsFolderOrAtAGivenPath) {
  const std::string a = run("a");
  CommandResult result = report(a);
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, a + "/report.html\n");
  EXPECT_NE(read_file(a + "/report.html").find("<h1>MoCo v2</h1>"), std::string::npos);
  result = report(a + " --title Mine --out " + path("x.html"));
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_NE(read_file(path("x.html")).find("<h1>Mine</h1>"), std::string::npos);
}

TEST_F(ReportCommandTest, SeveralRunsAreATableAndAPageAtAGivenPath) {
  const std::string runs = run("a") + " " + run("b");
  CommandResult result = report(runs);
  EXPECT_EQ(result.status, 0) << result.err;
  const std::string table = result.out;
  EXPECT_TRUE(table.starts_with("| run | epochs |")) << table;
  EXPECT_FALSE(fs::exists(path("a/report.html")));  // in no run's folder
  result = report(runs + " --out " + path("study.html"));
  EXPECT_EQ(result.status, 0) << result.err;
  EXPECT_EQ(result.out, table + path("study.html") + "\n");
  EXPECT_NE(read_file(path("study.html")).find("<h1>2 runs · MoCo v2</h1>"), std::string::npos);
  EXPECT_FALSE(fs::exists(path("a/report.html")));
}

TEST_F(ReportCommandTest, RefusesWhatIsNoRun) {
  EXPECT_EQ(report(path("none")).status, 1);
  const CommandResult result = report(run("a") + " " + path("none") + " --out " + path("x.html"));
  EXPECT_EQ(result.status, 1);
  EXPECT_NE(result.err.find("not the folder of a run"), std::string::npos);
  EXPECT_FALSE(fs::exists(path("x.html")));
}

}  // namespace
}  // namespace minissl
