#pragma once
#include <string>
#include <vector>

#include "data/sources/byte_source.h"

namespace minissl {

/// The header of a .npy array that stands somewhere in a file (NumPy's format, versions 1 to 3; in C order).
struct NpyHeader {
  std::string type;  ///< "|u1", "<i8", ...
  std::vector<int64_t> shape;
  int64_t begin = 0;  ///< of the elements, in the file
};

/// Reads it from `offset`; `bytes` is the size of the array with its header. Throws Error, starting with `where`, if it
/// is malformed, its elements don't fit, or they are in Fortran's order.
NpyHeader read_npy_header(const ByteSource& source, int64_t offset, int64_t bytes, const std::string& where);

/// The bytes of an element of a type such as "<i8".
int64_t element_bytes(const std::string& type, const std::string& where);

}  // namespace minissl
