#pragma once
#include <string>
#include <vector>

#include "ssl/methods/moco.h"

namespace minissl {

/// Whether MoCo's encoders tell a key by the batch it came in. Batch normalisation mixes a trace of the whole batch
/// into each embedding; on one device a query and its key share the batch, the negatives in the queue don't, and the
/// trace is an easier clue than the image (He et al. 2020, section 3.3).
struct LeakMeasurement {
  int64_t images = 0;  ///< that a query chooses among: those of all batches
  int64_t batches = 0;
  double as_trained = 0;  ///< share of queries whose nearest key is their own, keys computed in their queries' batches
  double permuted = 0;    ///< the same, each key computed among images of all batches
  double standard_error = 0;  ///< of the difference, binomial

  /// A difference of more than two standard errors and one point.
  bool leaks() const;
  /// One sentence for a person.
  std::string sentence() const;
};

/// Of batches of equal size, in training mode; leaves no trace in the method. Throws Error for fewer than two batches.
LeakMeasurement measure_leak(MoCo& moco, const std::vector<Batch>& batches, uint64_t seed);

}  // namespace minissl
