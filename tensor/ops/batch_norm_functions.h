#pragma once
#include <cstdint>

#include "tensor/host_device.h"

namespace minissl::ops {

/// What TrackStatistics does to channel c, written once for host and device.
template <class T>
struct RunningAverages {
  const T *mean, *variance;
  T *running_mean, *running_variance;
  int64_t groups, channels;
  T unbiased, take;

  MINISSL_HD void operator()(int64_t c) const {
    T group_mean = 0, group_variance = 0;
    for (int64_t g = 0; g < groups; ++g) {
      group_mean += mean[g * channels + c] / static_cast<T>(groups);
      group_variance += variance[g * channels + c] / static_cast<T>(groups);
    }
    running_mean[c] += take * (group_mean - running_mean[c]);
    running_variance[c] += take * (unbiased * group_variance - running_variance[c]);
  }
};

}  // namespace minissl::ops
