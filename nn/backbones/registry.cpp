#include "nn/registry.h"

#include "nn/backbone.h"
#include "nn/backbones/resnet.h"

namespace minissl {
namespace {

BackboneEntry resnet(const char* name, ResNetDepth depth) {
  return {name, [depth] { return std::make_unique<ResNetConfig>(ResNetOptions{.depth = depth}); }};
}

std::vector<BackboneEntry>& entries() {
  static std::vector<BackboneEntry> all{resnet("resnet18", resnet18), resnet("resnet34", resnet34),
                                        resnet("resnet50", resnet50), resnet("resnet101", resnet101)};
  return all;
}

}  // namespace

const std::vector<BackboneEntry>& backbones() { return entries(); }
const BackboneEntry& find_backbone(const std::string& name) { return find_entry(entries(), "`arch`", name); }
void add_backbone(BackboneEntry entry) { add_entry(entries(), "`arch`", std::move(entry)); }

}  // namespace minissl
