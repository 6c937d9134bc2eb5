#include "apps/command.h"
#include "apps/open_data.h"
#include "apps/output_check.h"
#include "apps/run/picture.h"
#include "apps/run/progress.h"
#include "data/sources/synth.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

struct Synth {
  std::string out;
  int64_t images = 300, size = 128;
  uint64_t seed = 0;

  void run() const {
    require_writable_folder(out);
    const SyntheticRadiographs dataset(images, size, 1, seed);
    Progress progress(images, "image");
    for (int64_t i = 0; i < images; ++i) {
      const fs::path file = fs::path(out) / (dataset.name(i) + ".png");
      fs::create_directories(file.parent_path());
      write_png(file, dataset.load(i).pixels);
      progress.update(i + 1, "");
    }
  }
};

void add_data_synth(CLI::App& data) {
  CLI::App& command = add_command(data, "synth", "Write generated radiographs, a folder for each class");
  auto synth = std::make_shared<Synth>();
  add_flag(command, "out", synth->out, "the folder", {.required = true});
  add_flag(command, "images", synth->images, "number of images", {.range = {1, 0x1p32}});
  add_flag(command, "size", synth->size, "height and width in pixels", {.range = {32, 1024}});
  add_flag(command, "seed", synth->seed, "seed of the radiographs", seed_rules());
  set_action(command, [synth] { synth->run(); });
}

}  // namespace

void add_decoding_flags(CLI::App& command, std::string& data, int& max_value, int& threads) {
  add_positional(command, "DATA", data, data_help);
  add_flag(command, "max-value", max_value, "white level of 16-bit files (0: detected)", {.range = white_level_range});
  add_flag(command, "threads", threads, "decoding threads (0: the cores that this process may use)",
           {.range = threads_range});
}

void add_data(CLI::App& app) {
  CLI::App& data = add_command_group(app, "data", "Prepare or check images");
  add_data_check(data);
  add_data_pack(data);
  add_data_split(data);
  add_data_synth(data);
}

}  // namespace minissl
