#include "apps/run/heading.h"

#include <fmt/format.h>
#include <utility>

#include "apps/run/html.h"

namespace minissl {

std::string proper_name(const std::string& name) {
  using Name = std::pair<std::string_view, std::string_view>;
  static constexpr Name names[] = {
      {"moco", "MoCo v2"},
      {"mocov3", "MoCo v3"},
      {"barlow", "Barlow Twins"},
      {"vicreg", "VICReg"},
      {"simclr", "SimCLR"},
      {"simsiam", "SimSiam"},
      {"byol", "BYOL"},
      {"dino", "DINO"},
      {"mae", "MAE"},
      {"spark", "SparK"},
      {"swav", "SwAV"},
      {"beit", "BEiT"},
      {"dvae", "dVAE"},
      {"token_encoder", "token encoder"},
      {"resnet18", "ResNet-18"},
      {"resnet34", "ResNet-34"},
      {"resnet50", "ResNet-50"},
      {"resnet101", "ResNet-101"},
      {"vit_tiny", "ViT-Tiny"},
      {"vit_small", "ViT-Small"},
      {"vit_base", "ViT-Base"},
  };
  for (const auto& [flag, proper] : names)
    if (name == flag) return std::string(proper);
  return name;
}

std::string run_title(const std::vector<ConfigGroup>& config) {
  const std::string method = proper_name(setting(config, "method")), arch = proper_name(setting(config, "arch"));
  const std::string title = method.empty() || arch.empty() ? method + arch : method + " · " + arch;
  return title.empty() ? "Training run" : title;
}

void add_heading(Page& page, std::string_view kind, std::string_view title, const std::vector<ConfigGroup>& config) {
  page.add(fmt::format("<header><p class=\"eyebrow\">{}</p><h1>{}</h1>\n", escape_html(kind), escape_html(title)));
  std::string facts;
  for (const auto& [key, label] : {std::pair{"data", "data"},
                                   {"size", "image size"},
                                   {"batch", "batch"},
                                   {"epochs", "epochs"},
                                   {"optimizer", "optimizer"},
                                   {"lr", "learning rate"},
                                   {"precision", "precision"},
                                   {"seed", "seed"}})
    if (const std::string value = setting(config, key); !value.empty())
      facts += fmt::format("<div>{}{}</div>", element("dt", label), element("dd", value));
  if (!facts.empty()) page.add(fmt::format("<dl class=\"facts\">{}</dl>\n", facts));
  page.add("</header>\n");
}

void begin_spread_section(Page& page) {
  page.begin_section(
      "collapse", "Collapse monitor",
      "How far the features of different images lie apart, in the backbone (what is kept after training) and in the "
      "projection (what the loss sees).");
}

}  // namespace minissl
