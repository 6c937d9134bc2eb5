#include <CLI/CLI.hpp>
#include <gtest/gtest.h>

#include "apps/command.h"
#include "tests/apps/small_run.h"

namespace minissl {
namespace {

/// Calls visit(command, its names) for every command without sub-commands.
void for_each_command(CLI::App& app, const std::string& names,
                      const std::function<void(CLI::App&, const std::string&)>& visit) {
  const auto subcommands = app.get_subcommands([](CLI::App*) { return true; });
  for (CLI::App* sub : subcommands) for_each_command(*sub, names + " " + sub->get_name(), visit);
  if (subcommands.empty()) visit(app, names);
}

bool takes_numbers(const CLI::Option& option) {
  return option.get_type_name().starts_with("INT") || option.get_type_name().starts_with("FLOAT");
}
// Given two or three numbers at once.
bool takes_several(const CLI::Option& option) { return option.get_type_name().find(", ...") != std::string::npos; }

bool is_open(const CLI::Option& option) {
  const std::string type = option.get_type_name();
  return type.starts_with("FLOAT (above 0)") || type.starts_with("FLOAT (at least ");
}

// Empty if the option takes the text, else the refusal.
std::string refusal(CLI::Option& option, const std::string& text) {
  option.clear();
  option.add_result(text);
  try {
    option.run_callback();
  } catch (const CLI::ParseError& error) {
    return error.what();
  }
  return {};
}

// Unlike a flag's range, which its library says, these are numbers that no flag could mean. The seed is any number of
// 64 bits.
TEST(NumberFlags, EveryNumberOfEveryCommandHasARange) {
  CLI::App app;
  add_commands(app);
  int flags = 0;
  for_each_command(app, "", [&](CLI::App& command, const std::string& names) {
    for (CLI::Option* option : command.get_options()) {
      if (!takes_numbers(*option)) continue;
      ++flags;
      EXPECT_EQ(option->get_type_name().find("a finite number"), std::string::npos)
          << names << " " << option->get_name() << " has no range";
      for (const std::string text : {"nan", "-nan", "inf", "-inf", "-1e300", "1e300", "9223372036854775807",
                                     "-9223372036854775808", "", "abc", "1x", "1 ", "0x10", "1,", "1e999999"}) {
        // Within the range of a seed, and of every number without an upper end.
        if (text == "9223372036854775807" && (option->get_name() == "--seed" || is_open(*option))) continue;
        const std::string list = takes_several(*option) ? text + "," + text : text;
        for (const std::string& value : {text, list}) {
          const std::string error = refusal(*option, value);
          EXPECT_NE(error.find(option->get_name()), std::string::npos)
              << names << " " << option->get_name() << " takes \"" << value << "\": " << error;
        }
      }
      const std::string usual = option->get_default_str();
      if (usual.empty()) continue;
      EXPECT_EQ(refusal(*option, usual), "") << names << " " << option->get_name() << ": the default";
    }
  });
  EXPECT_GT(flags, 400);
}

// A text with a few values says them, so that --help and the refusal of others can.
TEST(NumberFlags, EveryChoiceRefusesWhatItDoesNotKnow) {
  CLI::App app;
  add_commands(app);
  std::set<std::string> choices;
  for_each_command(app, "", [&](CLI::App& command, const std::string& names) {
    for (CLI::Option* option : command.get_options()) {
      if (!option->get_type_name().starts_with("TEXT (")) continue;
      choices.insert(option->get_name());
      EXPECT_NE(refusal(*option, "no such thing"), "") << names << " " << option->get_name();
      EXPECT_NE(refusal(*option, ""), "") << names << " " << option->get_name();
    }
  });
  for (const char* name : {"--arch", "--precision", "--on-collapse", "--schedule", "--features", "--recompute",
                           "--normalization", "--optimizer", "--decay-scope", "--stem", "--head", "--eval-features"})
    EXPECT_TRUE(choices.contains(name)) << name;
}

class WrongUsage : public TemporaryFolder {};

TEST_F(WrongUsage, IsOneLineWithStatus2BeforeAnyWork) {
  const std::string run = (folder_ / "run").string();
  const std::string train = "train moco --data synth:64:32 --out " + run + " ";
  const std::string eval = " --weights w --train a --test b ";
  for (const std::string& command :
       std::vector<std::string>{train + "--lr -1",
                                train + "--lr nan",
                                train + "--temperature inf",
                                train + "--epochs 9223372036854775807",
                                train + "--crop-scale 0.5,0.1",
                                train + "--crop-scale 0.1,nan",
                                train + "--crop-scale 0.1",
                                train + "--lr ''",
                                train + "--optimizer adam",
                                train + "--device gpu",
                                train + "--on-collapse faint",
                                train + "--bn sometimes",
                                train + "--bn split:1",
                                train + "--memory-budget lots",
                                train + "--memory-budget 1e30GiB",
                                train + "--recompute sometimes",
                                train + "--precision f8",
                                train + "--normalization none",
                                train + "--out ''",
                                train + "--schedule linear",
                                train + "--hue 0.6",
                                "train vicreg --weights 1,-1,1 --data synth:64 --out " + run,
                                "eval probe --shots 1,1" + eval,
                                "eval probe --shots 1,,2" + eval,
                                "eval probe --shots 0" + eval,
                                "eval probe --repeats 0" + eval,
                                "eval knn --k 0" + eval,
                                "eval linear --l2 0" + eval,
                                "eval knn --features raw" + eval,
                                "eval knn --classes a,b,a" + eval,
                                "embed --max-bad-fraction 1.1 --weights w --data d --out e.npy",
                                "monitor --samples 1 --run r --data d",
                                std::string("bench step moco --steps 0"),
                                std::string("inspect memory moco --batch 1"),
                                "inspect leak --batches 1 --run r",
                                "data pack d --out p --size 0",
                                "data synth --images 0 --out d",
                                "data synth --size 16 --out d"}) {
    const CommandResult result = minissl_command(command, folder_);
    EXPECT_EQ(result.status, 2) << command << ": " << result.err;
    EXPECT_EQ(std::count(result.err.begin(), result.err.end(), '\n'), 1) << command << ": " << result.err;
    EXPECT_TRUE(result.err.starts_with("minissl: ")) << result.err;
  }
  EXPECT_FALSE(std::filesystem::exists(run));
}

TEST_F(WrongUsage, AFlagWithoutAnEffectIsSaid) {
  for (const auto& [flags, line] : std::map<std::string, std::string>{
           {"--trust 0.1", "--trust 0.1 has no effect with --optimizer adamw"},
           {"--trust 0.1 --optimizer sgd", "--trust 0.1 has no effect with --optimizer sgd"},
           {"--adamw-beta2 0.9 --optimizer sgd", "--adamw-beta2 0.9 has no effect with --optimizer sgd"},
           {"--sgd-momentum 0.5", "--sgd-momentum 0.5 has no effect with --optimizer adamw"},
           {"--monitor-every 0 --on-collapse stop", "--on-collapse stop has no effect with --monitor-every 0"},
           {"--eval-k 7", "--eval-k 7 has no effect without --eval-train"},
           {"--checkpoint-every 0 --keep 9", "--keep 9 has no effect with --checkpoint-every 0"},
           {"--hue 0.1", "--hue 0.1 has no effect on gray images (--channels 1)"}}) {
    const std::string run = (folder_ / "run").string();
    const CommandResult result = minissl_command(tiny_run + "--epochs 1 --out " + run + " " + flags, folder_);
    EXPECT_EQ(result.status, 0) << flags << ": " << result.err;
    EXPECT_NE(result.err.find("warning: " + line + "\n"), std::string::npos) << flags << ": " << result.err;
    std::filesystem::remove_all(run);
  }
  for (const std::string command : {"bench step simclr --json --profile", "report a b --title words"})
    EXPECT_EQ(minissl_command(command, folder_).status, 2) << command;
}

}  // namespace
}  // namespace minissl
