#include "apps/command.h"
#include "apps/each_image.h"
#include "apps/open_data.h"
#include "apps/output_check.h"
#include "apps/standard_streams.h"
#include "data/encode_jpeg.h"
#include "data/sources/pack_writer.h"
#include "data/white_level.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

struct Pack {
  std::string data, out, samples = "raw";
  int64_t size = 256;
  int channels = 3, max_value = 0, threads = 0, quality = 90;

  void run() const;

 private:
  // Whether an image becomes a JPEG: 16 bits don't fit into one.
  bool encodes(const Image& image) const { return samples == "jpeg" && image.pixels.dtype() == DType::u8; }
};

void Pack::run() const {
  require_writable_file(out);
  const auto dataset = open_data(data, channels, 0, max_value);
  const std::string how = samples == "jpeg" ? fmt::format("jpeg {}", quality) : samples;
  const PackHeader header{fmt::format("{}; size {}, channels {}, max-value {}, {}", identity_of(*dataset, data), size,
                                      channels, max_value, how),
                          dataset->class_names(), dataset->label_names()};
  PackWriter writer(out, header);
  const int64_t done = writer.source_end();
  if (done > 0) say(fmt::format("{}: goes on after {} of {} images, which are packed", out, done, dataset->size()));

  // Filled by workers, emptied in order.
  std::vector<std::vector<std::byte>> encoded(static_cast<size_t>(dataset->size()));
  for_each_image(
      *dataset, done, threads,
      {.prepare =
           [&](int64_t i, Image& image) {
             image = shrink(image, size);
             if (encodes(image)) encoded[static_cast<size_t>(i)] = encode_jpeg(image, quality);
           },
       .use =
           [&](int64_t i, Image& image) {
             const std::span<const Label> labels = dataset->labels(i);
             writer.add({image,
                         std::exchange(encoded[static_cast<size_t>(i)], {}),
                         dataset->label(i),
                         dataset->name(i),
                         dataset->patient(i),
                         {labels.begin(), labels.end()}},
                        i);
           },
       .skip = [&](int64_t i, const std::string& reason,
                   Progress& progress) { progress.log(fmt::format("skipped {}: {}", dataset->name(i), reason)); }});
  writer.commit();
  if (dataset->max_value() > 0) say(with_flags(white_level_line(dataset->max_value())));
  say(fmt::format("{} of {} images, {} MiB: {}", writer.images(), dataset->size(), fs::file_size(out) >> 20, out));
}

}  // namespace

void add_data_pack(CLI::App& data) {
  CLI::App& command = add_command(data, "pack", "Decode images once, into one file that --data can name");
  auto pack = std::make_shared<Pack>();
  add_decoding_flags(command, pack->data, pack->max_value, pack->threads);
  add_flag(command, "out", pack->out,
           "the file; OUT.minissl-part until it is whole, from which the same command goes on", {.required = true});
  add_flag(command, "size", pack->size, "shorter side in pixels; smaller images stay unchanged", {.range = {1, 65535}});
  add_flag(command, "channels", pack->channels, "3, or 1 for gray", {.one_of = {"1", "3"}});
  add_flag(command, "samples", pack->samples,
           "raw: pixels, fastest to read; jpeg: smaller, but decoded again every time", {.one_of = {"raw", "jpeg"}});
  add_flag(command, "quality", pack->quality, "of jpeg samples", {.range = {1, 100}});
  set_action(command, [pack, &command] {
    if (pack->samples != "jpeg")
      for (const std::string& flag : idle_flags(command, {"quality"}))
        say(fmt::format("warning: {} has no effect with --samples {}", flag, pack->samples));
    pack->run();
  });
}

}  // namespace minissl
