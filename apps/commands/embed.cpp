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
  const auto table = std::filesystem::path(out).replace_extension(".csv");
  NpyRows rows(out);
  AtomicFile csv(table);
  csv.write("row,path,label\n");
  extract(
      *dataset, model, model.network.size, common.dtype(),
      [&](const Tensor& images) {
        if (!images_out.empty()) seen.emplace_back(fmt::format("batch{}", seen.size()), ops::nhwc_to_nchw(images));
        return encoder.embed(images);
      },
      "embedding",
      [&](const Features& batch) {
        const Tensor found = batch.find(features);
        require(found.defined(), "{}: holds a backbone only; --features projection needs a checkpoint of a run",
                weights);
        std::string lines;
        for (size_t i = 0; i < batch.indices.size(); ++i) {
          const int64_t label = batch.labels[i];
          lines += fmt::format("{},{},{}\n", rows.rows() + static_cast<int64_t>(i),
                               csv_field(as_utf8(dataset->name(batch.indices[i]))),
                               label < 0 ? "" : csv_field(as_utf8(dataset->class_names()[static_cast<size_t>(label)])));
        }
        csv.write(lines);
        rows.append(found);
      });
  rows.commit();
  if (!images_out.empty()) save_safetensors(images_out, seen);
  csv.commit();
  say(fmt::format("{} embeddings of {} numbers: {}", rows.rows(), rows.columns(), out));
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
