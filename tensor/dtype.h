#pragma once
#include <bit>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "tensor/error.h"
#include "tensor/host_device.h"

namespace minissl {

/// Upper half of a float32, rounded to nearest even: eight bits of exponent, seven of mantissa. For storage only;
/// arithmetic happens in float32.
struct bfloat16 {
  uint16_t bits = 0;

  bfloat16() = default;
  MINISSL_HD explicit bfloat16(float value) {
    const auto u = std::bit_cast<uint32_t>(value);
    const bool nan = (u & 0x7fffffffu) > 0x7f800000u;
    bits = static_cast<uint16_t>(nan ? (u >> 16) | 0x40u : (u + 0x7fffu + ((u >> 16) & 1u)) >> 16);
  }
  MINISSL_HD explicit operator float() const { return std::bit_cast<float>(static_cast<uint32_t>(bits) << 16); }
};

/// The type of a tensor's elements.
enum class DType : uint8_t { f32, f64, bf16, i64, u8 };

constexpr int64_t size_of(DType type) {
  switch (type) {
    case DType::f32:
      return 4;
    case DType::f64:
      return 8;
    case DType::bf16:
      return 2;
    case DType::i64:
      return 8;
    case DType::u8:
      return 1;
  }
  return 0;
}

constexpr const char* name_of(DType type) {
  switch (type) {
    case DType::f32:
      return "f32";
    case DType::f64:
      return "f64";
    case DType::bf16:
      return "bf16";
    case DType::i64:
      return "i64";
    case DType::u8:
      return "u8";
  }
  return "?";
}

constexpr bool is_floating(DType type) { return type == DType::f32 || type == DType::f64 || type == DType::bf16; }

/// The type of weights, statistics, projections and losses in a network whose activations are of `type`: f32 for bf16
/// (tensor/bf16.h says why), else the same type.
constexpr DType master_type(DType type) { return type == DType::bf16 ? DType::f32 : type; }

template <class T>
constexpr DType dtype_of() {
  if constexpr (std::is_same_v<T, float>)
    return DType::f32;
  else if constexpr (std::is_same_v<T, double>)
    return DType::f64;
  else if constexpr (std::is_same_v<T, bfloat16>)
    return DType::bf16;
  else if constexpr (std::is_same_v<T, int64_t>)
    return DType::i64;
  else if constexpr (std::is_same_v<T, uint8_t>)
    return DType::u8;
  else
    static_assert(!sizeof(T), "not an element type");
}

/// Calls f(T{}) with the C++ type of `type`, which must be one that the CPU computes in: f32 or f64.
template <class F>
decltype(auto) visit_arithmetic(DType type, F&& f) {
  switch (type) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    default:
      fail("arithmetic needs f32 or f64, not {}", name_of(type));
  }
}

/// Calls f(T{}) with the C++ type of any element type.
template <class F>
decltype(auto) visit_dtype(DType type, F&& f) {
  switch (type) {
    case DType::f32:
      return f(float{});
    case DType::f64:
      return f(double{});
    case DType::bf16:
      return f(bfloat16{});
    case DType::i64:
      return f(int64_t{});
    case DType::u8:
      return f(uint8_t{});
  }
  fail("unknown element type {}", static_cast<int>(type));
}

}  // namespace minissl
