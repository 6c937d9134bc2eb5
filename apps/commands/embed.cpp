#include "apps/embed_flags.h"
#include "apps/open_data.h"
#include "apps/output_check.h"
#include "apps/standard_streams.h"
#include "data/labels/csv.h"
#include "formats/npy.h"
#include "tensor/atomic_file.h"
#include "tensor/ops/transpose.h"
#include "tensor/utf8.h"

namespace minissl {
namespace {

struct Embed : EmbedFlags {
  std::string data, out, features = "backbone", images_out;

  void run() const;
};

void Embed::run() const {
  const DeviceScope device = common.apply();
  require(out.ends_with(".npy"), "--out {}: the embeddings are written as .npy", out);
  require_writable_file(out);
  require_writable_file(std::filesystem::path(out).replace_extension(".csv"));
  require_writable_file(images_out, "images-out");
  PretrainedEncoder encoder(weights, network, master_type(common.dtype()));
  const ModelDescription& model = encoder.description();
  const auto dataset = open(data, model);
  NamedTensors seen;
  const Features f = extract(
      *dataset, model, model.network.size, common.dtype(),
      [&](const Tensor& images) {
        if (!images_out.empty()) seen.emplace_back(fmt::format("batch{}", seen.size()), ops::nhwc_to_nchw(images));
        return encoder.embed(images);
      },
      "embedding");
  const Tensor rows = f.find(features);
  require(rows.defined(), "{}: holds a backbone only; --features projection needs a checkpoint of a run", weights);
  std::string csv = "row,path,label\n";
  for (size_t i = 0; i < f.indices.size(); ++i) {
    const int64_t label = f.labels[i];
    csv += fmt::format("{},{},{}\n", i, csv_field(as_utf8(dataset->name(f.indices[i]))),
                       label < 0 ? "" : csv_field(as_utf8(dataset->class_names()[static_cast<size_t>(label)])));
  }
  save_npy(out, rows);
  if (!images_out.empty()) save_safetensors(images_out, seen);
  write_file(std::filesystem::path(out).replace_extension(".csv"), csv);
  say(fmt::format("{} embeddings of {} numbers: {}", rows.dim(0), rows.dim(1), out));
}

}  // namespace

void add_embed(CLI::App& app) {
  CLI::App& embed = add_command(app, "embed", "Write the embeddings of images to a .npy file");
  auto flags = std::make_shared<Embed>();
  add_flag(embed, "data", flags->data, data_help, {.required = true});
  add_flag(embed, "out", flags->out, "float32 (N, D), plus a .csv with row, path, label", {.required = true});
  add_flag(embed, "features", flags->features, "space of the embeddings", {.one_of = {"backbone", "projection"}});
  add_flag(embed, "images-out", flags->images_out,
           "the encoder's input, for checking elsewhere: batch0, batch1, ... (N, C, H, W) (.safetensors)");
  flags->add_to(embed);
  set_action(embed, [flags] { flags->run(); });
}

}  // namespace minissl
