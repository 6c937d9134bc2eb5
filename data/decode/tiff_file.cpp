#include "data/decode/tiff_file.h"

#include <algorithm>
#include <cstdio>
#include <cstring>
#include <memory>
#include <new>

#include "data/decode/decode.h"

namespace minissl {

TiffFile::TiffFile(std::span<const std::byte> bytes) : bytes_(bytes) {
  const std::unique_ptr<TIFFOpenOptions, decltype(&TIFFOpenOptionsFree)> options(TIFFOpenOptionsAlloc(),
                                                                                 TIFFOpenOptionsFree);
  if (!options) throw std::bad_alloc();
  TIFFOpenOptionsSetErrorHandlerExtR(options.get(), on_error, this);
  TIFFOpenOptionsSetWarningHandlerExtR(options.get(), on_warning, this);
  TIFFOpenOptionsSetMaxSingleMemAlloc(options.get(), max_image_pixels * 8);
  // "m" keeps libtiff from mapping the file, which is in memory already.
  tiff_ = TIFFClientOpenExt(
      "image", "rm", this, read, [](thandle_t, void*, tmsize_t) -> tmsize_t { return 0; }, seek,
      [](thandle_t) { return 0; }, [](thandle_t file) -> toff_t { return static_cast<TiffFile*>(file)->bytes_.size(); },
      nullptr, nullptr, options.get());
  check(tiff_ != nullptr);
}

void TiffFile::check(bool good) const {
  require(good, "damaged or cut short ({})", message_.empty() ? "libtiff doesn't say why" : message_);
}

int TiffFile::on_error(TIFF*, void* file, const char*, const char* format, va_list values) {
  char text[256];
  std::vsnprintf(text, sizeof text, format, values);
  std::string& message = static_cast<TiffFile*>(file)->message_;
  if (message.empty()) message = text;  // the first is the cause of the others
  return 1;
}

tmsize_t TiffFile::read(thandle_t handle, void* to, tmsize_t count) {
  auto* file = static_cast<TiffFile*>(handle);
  if (file->at_ >= file->bytes_.size() || count <= 0) return 0;
  const size_t part = std::min(static_cast<size_t>(count), file->bytes_.size() - file->at_);
  std::memcpy(to, &file->bytes_[file->at_], part);
  file->at_ += part;
  return static_cast<tmsize_t>(part);
}

toff_t TiffFile::seek(thandle_t handle, toff_t offset, int whence) {
  auto* file = static_cast<TiffFile*>(handle);
  file->at_ = offset + (whence == SEEK_CUR ? file->at_ : whence == SEEK_END ? file->bytes_.size() : 0);
  return file->at_;
}

}  // namespace minissl
