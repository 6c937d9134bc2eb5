#include <fmt/format.h>
#include <map>
#include <sys/stat.h>

#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tests/torture/help.h"
#include "tests/torture/kinds.h"
#include "tests/torture/tiny_run.h"

namespace minissl::torture {
namespace {

namespace fs = std::filesystem;

constexpr double most_seconds = 20;
constexpr int64_t most_memory = int64_t{4} << 30;
constexpr int64_t most_lines = 12;

/// Values that let a command end quickly. All paths are relative: commands run in a folder of their own.
const std::map<std::string, std::string>& small_values() {
  static const std::map<std::string, std::string> values = {{"--data", "synth:8:32"},
                                                            {"--out", "out"},
                                                            {"--train", "synth:12:32:5"},
                                                            {"--test", "synth:12:32:6"},
                                                            {"--steps", "2"},
                                                            {"--epochs", "1"},
                                                            {"--batch", "4"},
                                                            {"--size", "32"},
                                                            {"--arch", "resnet18"},
                                                            {"--width", "8"},
                                                            {"--threads", "2"},
                                                            {"--queue", "8"},
                                                            {"--channels", "1"},
                                                            {"--weights", "weights.safetensors"},
                                                            {"--images", "4"},
                                                            {"--warmup", "1"},
                                                            {"--hidden", "16"},
                                                            {"--dim", "8"},
                                                            {"--k", "3"},
                                                            {"--repeats", "1"},
                                                            {"--shots", "1"},
                                                            {"--run", "run"},
                                                            {"--monitor-samples", "8"},
                                                            {"--views", "views.safetensors"},
                                                            {"--count", "2"},
                                                            {"--device", "cpu"}};
  return values;
}

/// Flags that say how much work to do: a large number is no attack but a request.
bool is_amount(const std::string& flag) {
  static constexpr const char* amounts[] = {"--steps", "--epochs",      "--images",          "--repeats",   "--warmup",
                                            "--count", "--views-count", "--monitor-samples", "--accumulate"};
  return std::any_of(std::begin(amounts), std::end(amounts), [&](const char* amount) { return flag == amount; });
}

std::string hostile_value(std::mt19937_64& numbers) {
  static const std::vector<std::string> values = {"nan",
                                                  "-nan",
                                                  "inf",
                                                  "-inf",
                                                  "-1",
                                                  "0",
                                                  "1",
                                                  "9223372036854775807",
                                                  "9223372036854775808",
                                                  "-9223372036854775808",
                                                  "18446744073709551615",
                                                  "4294967296",
                                                  "2147483648",
                                                  "1e308",
                                                  "1e309",
                                                  "-1e308",
                                                  "1e-320",
                                                  "0x10",
                                                  "1.5",
                                                  "1e3",
                                                  "",
                                                  " ",
                                                  ",",
                                                  "1,2",
                                                  "nan,nan",
                                                  "1,,2",
                                                  "on",
                                                  "off",
                                                  "auto",
                                                  std::string(100000, 'a'),
                                                  std::string(300, '/') + "x",
                                                  "\xc3\xa4\xe2\x82\xac\xf0\x9f\x92\xa3",
                                                  "\xff\xfe",
                                                  "a\nb",
                                                  "\x1b[31m",
                                                  "missing",
                                                  "missing/deep/path",
                                                  "fifo",
                                                  "precious.txt",
                                                  "images",
                                                  "images.pack",
                                                  "weights.safetensors",
                                                  "run",
                                                  "run/metrics.jsonl",
                                                  "link",
                                                  "loop",
                                                  "null",
                                                  "synth:0",
                                                  "synth:-1",
                                                  "synth:99999999999999999999",
                                                  "synth:4:32",
                                                  "synth:",
                                                  "cuda",
                                                  "cuda:99",
                                                  "--out",
                                                  "-",
                                                  "%s%n",
                                                  "split:0",
                                                  "split:999",
                                                  "split:",
                                                  "[1, 2]",
                                                  "{}"};
  return values[static_cast<size_t>(numbers()) % values.size()];
}

bool is_large(const std::string& value) {
  return value.size() > 5 && value.find_first_not_of("0123456789e") == std::string::npos;
}

/// What a command line finds: an encoder, images, a run, and traps.
void make_base(const Judge& judge, const fs::path& base) {
  fs::create_directories(base);
  fs::copy_file(judge.reference() / "backbone.safetensors", base / "weights.safetensors");
  fs::create_directories(base / "run");
  for (const char* file : {"config.toml", "metrics.jsonl", "last.safetensors", "epoch_0002.safetensors"})
    fs::copy_file(judge.reference() / file, base / "run" / file);
  write_file(base / "precious.txt", "what nobody asked to change\n");
  const Outcome images =
      run({{"data", "synth", "--out", base / "images", "--images", "4", "--size", "32"}}, base.parent_path());
  const Outcome pack = run({{"data", "pack", base / "images", "--out", base / "images.pack"}}, base.parent_path());
  require(images.status == 0 && pack.status == 0, "data synth, data pack: {} {}", images.describe(), pack.describe());
}

void copy_base(const fs::path& base, const fs::path& folder) {
  fs::copy(base, folder, fs::copy_options::recursive);
  mkfifo((folder / "fifo").c_str(), 0644);
  fs::create_symlink("precious.txt", folder / "link");
  fs::create_symlink("loop", folder / "loop");
  // A device of its own: real ones must not be replaced. Only root may make one.
  std::ignore = mknod((folder / "null").c_str(), S_IFCHR | 0644, 0x103);
}

/// Names and contents of all files; pipes, links and devices as what they are.
std::map<std::string, std::string> contents(const fs::path& folder) {
  std::map<std::string, std::string> result;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    const std::string name =
        (fs::relative(entry.path().parent_path(), folder) / entry.path().filename()).lexically_normal();
    const auto type = entry.symlink_status().type();
    result[name] =
        type == fs::file_type::regular ? read_file(entry.path()) : fmt::format("type {}", static_cast<int>(type));
  }
  return result;
}

std::vector<std::string> arguments_of(const DescribedCommand& command, std::mt19937_64& numbers) {
  std::vector<std::string> arguments = command.words;
  const auto add = [&](const Flag& flag, const std::string& value) {
    arguments.push_back(flag.name.empty() ? value : flag.takes_value ? flag.name + "=" + value : flag.name);
  };
  for (const Flag& flag : command.flags) {
    const auto small = small_values().find(flag.name);
    if (flag.name.empty())
      add(flag, "images");
    else if (small != small_values().end())
      add(flag, small->second);
    else if (flag.required && flag.takes_value)
      add(flag, "images");
  }
  const size_t attacks = command.flags.empty() ? 0 : 1 + static_cast<size_t>(numbers() % 3);
  for (size_t a = 0; a < attacks; ++a) {
    const Flag& flag = command.flags[static_cast<size_t>(numbers()) % command.flags.size()];
    std::string value = hostile_value(numbers);
    while (is_amount(flag.name) && is_large(value)) value = hostile_value(numbers);
    add(flag, value);
  }
  if (numbers() % 8 == 0) arguments.push_back(hostile_value(numbers));
  if (numbers() % 8 == 0)
    arguments.erase(arguments.begin() + static_cast<std::ptrdiff_t>(numbers() % arguments.size()));
  return arguments;
}

/// Whether an argument names this path, or a file beside it of the same stem (E.npy, E.csv).
bool is_named(const std::string& path, const std::vector<std::string>& arguments) {
  for (const std::string& argument : arguments) {
    const size_t equals = argument.starts_with("--") ? argument.find('=') : std::string::npos;
    std::string value = equals == std::string::npos ? argument : argument.substr(equals + 1);
    if (value.empty()) continue;
    const std::string file = fs::path(value).lexically_normal(),
                      stem = (fs::path(file).parent_path() / fs::path(file).stem()).string();
    if (path == file || path.starts_with(file + "/") || path.starts_with(stem)) return true;
    // Folders on the way to it.
    if (file.starts_with(path + "/")) return true;
  }
  return false;
}

Verdict judge_line(const Outcome& outcome, const std::vector<std::string>& arguments,
                   const std::map<std::string, std::string>& before, const fs::path& folder) {
  if (outcome.hung) return {Fate::hung, outcome.describe()};
  if (outcome.signal || outcome.err.find("terminate called") != std::string::npos)
    return {Fate::crashed, outcome.describe()};
  if (outcome.status < 0 || outcome.status > 2) return {Fate::wrong, outcome.describe()};
  const auto lines = std::count(outcome.err.begin(), outcome.err.end(), '\n');
  if (outcome.status != 0 && (outcome.err.empty() || lines > most_lines))
    return {Fate::wrong, fmt::format("{} lines: {}", lines, outcome.describe())};
  for (const char* raw : {"std::", "bad_alloc", "basic_string", "json.exception", "stoi", "stod", "vector::"})
    if (outcome.err.find(raw) != std::string::npos) return {Fate::wrong, "a message for nobody: " + outcome.describe()};
  const auto after = contents(folder);
  for (const auto& [name, content] : before) {
    const auto now = after.find(name);
    if (now != after.end() && now->second == content) continue;
    if (content.starts_with("type ") || !is_named(name, arguments))
      return {Fate::lost, name + (now == after.end() ? " was removed" : " was changed")};
  }
  for (const auto& [name, content] : after)
    if (!before.contains(name) && !is_named(name, arguments))
      return {Fate::lost, name + " was written, which nobody named"};
  return {};
}

}  // namespace

Tally command_lines(const Plan& plan) {
  Tally tally("command lines");
  const Judge judge(plan.scratch);
  const auto commands = all_commands(plan.scratch);
  const fs::path base = plan.scratch / "base";
  make_base(judge, base);
  attack_each(plan, plan.attacks(150, 1000), [&](int64_t chosen) {
    auto numbers = numbers_of(plan, chosen);
    const auto arguments = arguments_of(commands[static_cast<size_t>(numbers()) % commands.size()], numbers);
    const fs::path scratch = plan.scratch / fmt::format("line-{}", chosen), folder = scratch / "here";
    fs::create_directories(scratch / "home");
    copy_base(base, folder);
    const auto before = contents(folder);
    Command command{arguments, {{"HOME", scratch / "home"}, {"TMPDIR", scratch / "home"}}, most_seconds, most_memory};
    command.folder = folder;
    const Verdict verdict = judge_line(run(command, scratch), arguments, before, folder);
    std::string line;
    for (const std::string& argument : arguments) line += fmt::format(" '{}'", argument.substr(0, 80));
    tally.add(fmt::format("{}:{}", chosen, line), verdict);
    fs::remove_all(scratch);
  });
  return tally;
}

}  // namespace minissl::torture
