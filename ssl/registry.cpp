#include "ssl/registry.h"

#include "nn/registry.h"
#include "ssl/methods/barlow_twins.h"
#include "ssl/methods/byol.h"
#include "ssl/methods/moco.h"
#include "ssl/methods/simclr.h"
#include "ssl/methods/simsiam.h"
#include "ssl/methods/vicreg.h"

namespace minissl {
namespace {

std::vector<MethodEntry>& entries() {
  static std::vector<MethodEntry> all{
      method_entry<MoCo>("moco"),     method_entry<BarlowTwins>("barlow"), method_entry<VICReg>("vicreg"),
      method_entry<SimCLR>("simclr"), method_entry<SimSiam>("simsiam"),    method_entry<BYOL>("byol"),
  };
  return all;
}

}  // namespace

const std::vector<MethodEntry>& methods() { return entries(); }
const MethodEntry& find_method(const std::string& name) { return find_entry(entries(), "method", name); }
void add_method(MethodEntry entry) { add_entry(entries(), "method", std::move(entry)); }

}  // namespace minissl
