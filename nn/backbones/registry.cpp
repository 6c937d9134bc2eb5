#include "nn/registry.h"

#include "nn/backbone.h"
#include "nn/backbones/resnet.h"
#include "nn/backbones/token_encoder.h"
#include "nn/backbones/vision_transformer.h"

namespace minissl {
namespace {

BackboneEntry resnet(const char* name, ResNetDepth depth) {
  return {name, [depth] { return std::make_unique<ResNetConfig>(ResNetOptions{.depth = depth}); }};
}

// Sizes as in timm.
BackboneEntry transformer(const char* name, int64_t width, int64_t heads) {
  return {name, [=] {
            return std::make_unique<VisionTransformerConfig>(
                VisionTransformerOptions{.width = width, .depth = 12, .heads = heads});
          }};
}

std::vector<BackboneEntry>& entries() {
  static std::vector<BackboneEntry> all{
      resnet("resnet18", resnet18),     resnet("resnet34", resnet34),
      resnet("resnet50", resnet50),     resnet("resnet101", resnet101),
      transformer("vit_tiny", 192, 3),  transformer("vit_small", 384, 6),
      transformer("vit_base", 768, 12), {"token_encoder", [] { return std::make_unique<TokenEncoderConfig>(); }}};
  return all;
}

}  // namespace

const std::vector<BackboneEntry>& backbones() { return entries(); }
const BackboneEntry& find_backbone(const std::string& name) { return find_entry(entries(), "`arch`", name); }
void add_backbone(BackboneEntry entry) { add_entry(entries(), "`arch`", std::move(entry)); }

}  // namespace minissl
