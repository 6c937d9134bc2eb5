#include "ssl/registry.h"

#include <algorithm>

#include "ssl/barlow_twins.h"
#include "ssl/byol.h"
#include "ssl/moco.h"
#include "ssl/simclr.h"
#include "ssl/simsiam.h"
#include "ssl/vicreg.h"

namespace minissl {
namespace {

template <class M>
class ConfigOf : public MethodConfig {
 public:
  void visit(OptionVisitor& visitor) override { options_.visit(visitor); }
  std::unique_ptr<Method> make(const ResNetOptions& network, uint64_t seed, DType dtype) const override {
    return std::make_unique<M>(options_, network, seed, dtype);
  }
  std::unique_ptr<MethodConfig> clone() const override { return std::make_unique<ConfigOf>(*this); }

 private:
  typename M::Options options_;
};

template <class M>
MethodEntry entry(const char* name) {
  return {name, [] { return std::make_unique<ConfigOf<M>>(); }};
}

}  // namespace

const std::vector<MethodEntry>& methods() {
  static const std::vector<MethodEntry> all{
      entry<MoCo>("moco"),     entry<BarlowTwins>("barlow"), entry<VICReg>("vicreg"),
      entry<SimCLR>("simclr"), entry<SimSiam>("simsiam"),    entry<BYOL>("byol"),
  };
  return all;
}

const MethodEntry& find_method(const std::string& name) {
  const auto found = std::find_if(methods().begin(), methods().end(), [&](const auto& m) { return m.name == name; });
  if (found != methods().end()) return *found;
  std::vector<std::string> names;
  for (const MethodEntry& m : methods()) names.push_back(m.name);
  fail("method {} is not known; there are {}", name, fmt::join(names, ", "));
}

}  // namespace minissl
