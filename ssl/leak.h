#pragma once
#include <string>
#include <vector>

#include "ssl/methods/moco.h"

namespace minissl {

/// Whether MoCo's encoders recognise a key by its batch. Batch normalisation mixes a trace of the whole batch into each
/// embedding. On one device a query and its key share the batch and the negatives in the queue don't, so the trace is
/// an easier clue than the image (He et al. 2020, section 3.3).
struct LeakMeasurement {
  int64_t images = 0;  ///< in all batches: a query's candidates
  int64_t batches = 0;
  double as_trained = 0;      ///< share of queries whose nearest key is their own, with keys from the queries' batches
  double permuted = 0;        ///< the same, with each key computed among images of all batches
  double standard_error = 0;  ///< of the difference; binomial

  /// Whether the difference exceeds both two standard errors and one percentage point.
  bool leaks() const;
  /// The result as one sentence.
  std::string sentence() const;
};

/// Measures batches of equal size, in training mode, and leaves the method unchanged. Throws Error for fewer than two
/// batches.
LeakMeasurement measure_leak(MoCo& moco, const std::vector<Batch>& batches, uint64_t seed);

}  // namespace minissl
