#pragma once
#include "nn/module.h"

namespace minissl {

/// The running mean of a teacher's outputs, which DINO subtracts from them (Caron et al. 2021, eq. 4):
///   center = momentum * center + (1 - momentum) * the mean over the step's rows.
/// It moves once in a step, after the step's last batch: all batches of a step see the same centre. The rows are those
/// of all processes.
class OutputCenter : public Module {
 public:
  OutputCenter(int64_t outputs, double momentum, DType dtype);

  /// (1, K)
  const Tensor& value() const { return center_; }
  /// The mean (K) of rows (N, K).
  static Tensor mean(const Tensor& rows);
  /// Where the centre would move to, given the mean of a step's rows: (1, K).
  Tensor moved(const Tensor& mean) const;

  // A step, in this order.
  void begin() const { means_.fill(0); }
  void add(const Tensor& mean) const;
  void move(int64_t batches);

 private:
  Tensor center_;
  double momentum_;
  Tensor means_;  // (K): the sum over the step's batches
};

}  // namespace minissl
