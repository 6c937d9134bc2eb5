#include "ssl/losses.h"

#include "autograd/functions.h"

namespace minissl {

InfoNce info_nce(const Variable& l_pos, const Variable& l_neg, double temperature) {
  InfoNce result;
  result.logits = concat(l_pos, l_neg) / temperature;
  result.loss = cross_entropy(result.logits, Tensor::zeros({l_pos.shape()[0]}, DType::i64));
  return result;
}

Variable variance_loss(const Variable& z, double gamma, double eps) {
  return mean(relu(gamma - sqrt(column_variance(z) + eps)));
}

}  // namespace minissl
