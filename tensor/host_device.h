#pragma once

/// Marks functions for both the host and CUDA kernels: what a GPU computes can then be tested without one.
#ifdef __CUDACC__
#define MINISSL_HD __host__ __device__
#else
#define MINISSL_HD
#endif
