#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

const std::vector<Family>& families() {
  static const std::vector<Family> all{
      convolution_family(), matmul_family(),         batch_norm_family(),   pooling_family(),  elementwise_family(),
      rows_family(),        columns_family(),        diagonal_family(),     info_nce_family(), cells_family(),
      loss_family(),        transpose_family(),      update_family(),       ring_family(),     gather_family(),
      collective_family(),  reduce_family(),         layer_norm_family(),   gelu_family(),     attention_family(),
      random_mask_family(), drop_path_family(),      distillation_family(), softmax_family(),  argmax_family(),
      gumbel_family(),      masked_patches_family(), perplexity_family(),   sinkhorn_family()};
  return all;
}

}  // namespace

std::vector<Sample> all_samples() {
  std::vector<Sample> all;
  for (const Family& family : families()) all.insert(all.end(), family.samples.begin(), family.samples.end());
  return all;
}

std::vector<ErrorCase> all_errors() {
  std::vector<ErrorCase> all;
  for (const Family& family : families()) all.insert(all.end(), family.errors.begin(), family.errors.end());
  return all;
}

}  // namespace minissl::samples
