#pragma once

/// Marks functions that run on the host and in CUDA kernels alike: what the GPU computes is tested without one.
#ifdef __CUDACC__
#define MINISSL_HD __host__ __device__
#else
#define MINISSL_HD
#endif
