#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/each_image.h"
#include "apps/open_data.h"
#include "apps/run/json_text.h"

namespace minissl {
namespace {

struct Check {
  std::string data;
  int max_value = 0, threads = 0;
  bool json = false;

  void run() const {
    const auto dataset = open_dataset(data, 3, 0, max_value);
    say_remarks(*dataset);
    auto bad = nlohmann::ordered_json::array();
    int64_t ok = 0;
    const auto add = [&](const std::string& path, const std::string& why) {
      if (json)
        bad.push_back({{"path", path}, {"why", why}});
      else
        fmt::print("{}: {}\n", path, why);
    };
    for (const LeftOut& other : dataset->left_out()) add(other.path, other.reason);
    for_each_image(*dataset, 0, threads,
                   {.use = [&](int64_t, Image&) { ++ok; },
                    .skip = [&](int64_t i, const std::string& reason, Progress&) { add(dataset->name(i), reason); }});
    if (json)
      fmt::print("{}\n", json_text({{"ok", ok}, {"bad", bad}}));
    else
      fmt::print("{} images can be used, {} can't, and {} other(s) are left out\n", ok, dataset->size() - ok,
                 dataset->left_out().size());
  }
};

}  // namespace

void add_data_check(CLI::App& data) {
  CLI::App& command = add_command(data, "check", "Find unusable files and the reasons");
  auto check = std::make_shared<Check>();
  add_decoding_flags(command, check->data, check->max_value, check->threads);
  add_json(command, check->json);
  set_action(command, [check] { check->run(); });
}

}  // namespace minissl
