#pragma once
#include "tests/samples/sample.h"

/// The one list of samples. A new operation adds its samples to a family's file, or adds a file and a line here.
namespace minissl::samples {

struct Family {
  std::vector<Sample> samples;
  std::vector<ErrorCase> errors;
};

Family argmax_family();
Family attention_family();
Family convolution_family();
Family matmul_family();
Family batch_norm_family();
Family pooling_family();
Family reduce_family();
Family elementwise_family();
Family rows_family();
Family columns_family();
Family diagonal_family();
Family distillation_family();
Family cells_family();
Family drop_path_family();
Family gather_family();
Family collective_family();
Family gelu_family();
Family gumbel_family();
Family info_nce_family();
Family layer_norm_family();
Family loss_family();
Family transpose_family();
Family update_family();
Family masked_patches_family();
Family perplexity_family();
Family random_mask_family();
Family ring_family();
Family sinkhorn_family();
Family softmax_family();

std::vector<Sample> all_samples();
std::vector<ErrorCase> all_errors();

/// Shared reasons for having no derivative.
inline constexpr const char* is_a_gradient = "it is a derivative itself, and second derivatives are not offered";
inline constexpr const char* is_in_place = "it changes its inputs, outside every graph";

}  // namespace minissl::samples
