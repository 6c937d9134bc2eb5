#pragma once
#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <tiffio.h>

#include "tensor/error.h"

namespace minissl {

/// A TIFF in memory, open with libtiff at its first page. libtiff's messages become the reasons of Errors, and nothing
/// is printed.
class TiffFile {
 public:
  /// Throws Error if libtiff can't open it.
  explicit TiffFile(std::span<const std::byte> bytes);
  ~TiffFile() { TIFFClose(tiff_); }
  TiffFile(const TiffFile&) = delete;
  TiffFile& operator=(const TiffFile&) = delete;

  TIFF* get() const { return tiff_; }
  /// Throws Error with libtiff's message unless `good`.
  void check(bool good) const;

  /// A number of the page, or libtiff's default for it; `otherwise` if it has none.
  template <class T>
  T tag(uint32_t tag, T otherwise) const {
    T value{};
    return TIFFGetFieldDefaulted(tiff_, tag, &value) ? value : otherwise;
  }

 private:
  static int on_error(TIFF*, void* file, const char* module, const char* format, va_list values);
  static int on_warning(TIFF*, void*, const char*, const char*, va_list) { return 1; }
  static tmsize_t read(thandle_t file, void* to, tmsize_t count);
  static toff_t seek(thandle_t file, toff_t offset, int whence);

  std::span<const std::byte> bytes_;
  uint64_t at_ = 0;
  std::string message_;
  TIFF* tiff_ = nullptr;
};

}  // namespace minissl
