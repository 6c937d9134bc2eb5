#pragma once

namespace minissl::cuda {

/// What cuDNN needs to know about an H100 to make plans for one. With this, plans can be made on machines without one.
inline constexpr const char* h100 = R"({
  "version": 1, "deviceName": "NVIDIA H100 80GB HBM3", "deviceVer": 900, "driverVer": 13000, "cudaDeviceId": 0,
  "deviceId": 0, "pciDeviceId": 0, "isTccDriver": 0, "supportCoopLaunch": 1, "totalGlobalMem": 85028765696,
  "maxGridSize": [2147483647, 65535, 65535], "maxBlockSize": [1024, 1024, 64], "regsPerBlock": 65536,
  "multiProcessorCount": 132, "warpSize": 32, "maxSharedMemoryPerBlock": 49152, "maxSharedMemoryPerBlockOptin": 232448,
  "reservedSharedMemoryPerBlock": 1024, "maxRegistersPerSM": 65536, "maxCtasPerSM": 32, "maxThreadsPerBlock": 1024,
  "maxThreadsPerSM": 2048, "smClockRateKHz": 1980000, "memClockRateKHz": 2619000, "l2CacheSize": 52428800
})";

}  // namespace minissl::cuda
