#include "ssl/options.h"

#include <charconv>

#include "tensor/error.h"

namespace minissl {

void SharedOptions::visit(OptionVisitor& visitor) {
  visitor.visit("variance-weight", variance_weight, "of VICReg's variance term on the raw projections");
  visitor.visit("bn", bn, "batch normalisation: plain, or split:G, over G groups of the batch");
}

int64_t SharedOptions::bn_groups() const {
  if (bn == "plain") return 1;
  int64_t groups = 0;
  const char *begin = bn.data() + std::string("split:").size(), *end = bn.data() + bn.size();
  if (bn.starts_with("split:"))
    if (const auto [at, error] = std::from_chars(begin, end, groups); error == std::errc() && at == end && groups > 1)
      return groups;
  fail("--bn {} is not known; there are plain and split:G with G from 2 on", bn);
}

ResNetOptions SharedOptions::applied_to(ResNetOptions network) const {
  network.bn_groups = bn_groups();
  return network;
}

}  // namespace minissl
