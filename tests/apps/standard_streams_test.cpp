#include <gtest/gtest.h>

#include "tests/apps/small_run.h"

namespace minissl {
namespace {

class StandardStreamsTest : public TemporaryFolder {
 protected:
  // A shell command in which MINISSL stands for the binary.
  int shell(std::string line) const {
    for (size_t at; (at = line.find("MINISSL ")) != std::string::npos;) line.replace(at, 7, MINISSL_BINARY);
    const int status = std::system(("bash -c '" + line + "'").c_str());
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  std::string path(const std::string& name) const { return (folder_ / name).string(); }
};

TEST_F(StandardStreamsTest, ATrainingRunNeedsNobodyToListen) {
  const auto run = [&](const std::string& name, const std::string& redirection) {
    return shell("set -o pipefail; MINISSL " + tiny_run + "--epochs 2 --out " + path(name) + " " + redirection);
  };
  ASSERT_EQ(run("plain", "2>/dev/null"), 0);
  for (const std::string redirection : {"2>&-", ">&- 2>&- <&-", "2>/dev/full", "2> >(true)", "2>&1 | head -c 1"}) {
    EXPECT_EQ(run("run", redirection), 0) << redirection;
    EXPECT_EQ(repeatable_log(folder_ / "run"), repeatable_log(folder_ / "plain")) << redirection;
    std::filesystem::remove_all(folder_ / "run");
  }
}

TEST_F(StandardStreamsTest, ResultsThatDoNotArriveAreAFailure) {
  const std::string inspect = "MINISSL inspect memory simclr --batch 16 --width 8 --size 16 --json ";
  EXPECT_EQ(shell(inspect + ">" + path("out.json")), 0);
  EXPECT_EQ(Json::parse(read_file(path("out.json"))).count("peak_bytes"), 1U);
  for (const std::string& command : {inspect, std::string("MINISSL --help "), std::string("MINISSL devices ")})
    for (const std::string redirection : {">/dev/full", ">&-"}) {
      EXPECT_EQ(shell(command + redirection + " 2>" + path("err.txt")), 1) << command << redirection;
      EXPECT_NE(read_file(path("err.txt")).find("minissl: standard output: "), std::string::npos)
          << read_file(path("err.txt"));
    }
}

}  // namespace
}  // namespace minissl
