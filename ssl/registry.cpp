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

template <class M>
MethodEntry entry(const char* name) {
  return {name, [] { return std::make_unique<MethodConfigOf<M>>(); }};
}

std::vector<MethodEntry>& entries() {
  static std::vector<MethodEntry> all{
      entry<MoCo>("moco"),     entry<BarlowTwins>("barlow"), entry<VICReg>("vicreg"),
      entry<SimCLR>("simclr"), entry<SimSiam>("simsiam"),    entry<BYOL>("byol"),
  };
  return all;
}

}  // namespace

const std::vector<MethodEntry>& methods() { return entries(); }
const MethodEntry& find_method(const std::string& name) { return find_entry(entries(), "method", name); }
void add_method(MethodEntry entry) { add_entry(entries(), "method", std::move(entry)); }

}  // namespace minissl
