#include "ssl/registry.h"

#include "nn/registry.h"
#include "ssl/methods/barlow_twins.h"
#include "ssl/methods/beit.h"
#include "ssl/methods/byol.h"
#include "ssl/methods/dino.h"
#include "ssl/methods/dvae.h"
#include "ssl/methods/mae.h"
#include "ssl/methods/moco.h"
#include "ssl/methods/mocov3.h"
#include "ssl/methods/simclr.h"
#include "ssl/methods/simsiam.h"
#include "ssl/methods/spark.h"
#include "ssl/methods/swav.h"
#include "ssl/methods/vicreg.h"

namespace minissl {
namespace {

std::vector<MethodEntry>& entries() {
  static std::vector<MethodEntry> all{
      method_entry<MoCo>("moco"),
      method_entry<BarlowTwins>("barlow"),
      method_entry<VICReg>("vicreg"),
      method_entry<SimCLR>("simclr"),
      method_entry<SimSiam>("simsiam"),
      method_entry<BYOL>("byol"),
      method_entry<DINO>("dino"),
      method_entry<MoCoV3>("mocov3"),
      method_entry<MAE>("mae", "vit_tiny"),
      method_entry<SparK>("spark"),
      method_entry<SwAV>("swav"),
      method_entry<BEiT>("beit", "vit_tiny"),
      method_entry<DVAE>("dvae", "token_encoder"),
  };
  return all;
}

}  // namespace

const std::vector<MethodEntry>& methods() { return entries(); }
const MethodEntry& find_method(const std::string& name) { return find_entry(entries(), "method", name); }
void add_method(MethodEntry entry) { add_entry(entries(), "method", std::move(entry)); }

}  // namespace minissl
