#include "data/sources/archive.h"

#include <archive.h>
#include <archive_entry.h>

#include "tensor/error.h"
#include "tensor/input_file.h"

namespace minissl {

ArchiveReader::ArchiveReader(std::filesystem::path path)
    : path_(std::move(path)), archive_(archive_read_new(), archive_read_free) {
  // libarchive would wait for the writer of a pipe.
  const InputFile is_regular(path_);
  require(archive_ != nullptr, "{}: no memory to read it", path_.string());
  archive* a = archive_.get();
  archive_read_support_filter_gzip(a);
  archive_read_support_filter_xz(a);
  archive_read_support_filter_zstd(a);
  archive_read_support_filter_bzip2(a);
  archive_read_support_format_tar(a);
  archive_read_support_format_zip(a);
  // Names are bytes: the locale must not decide which of them can be read.
  archive_read_set_options(a, "tar:hdrcharset=BINARY");
  constexpr size_t block = 1 << 20;
  if (archive_read_open_filename(a, path_.c_str(), block) != ARCHIVE_OK) fail_with_reason();
}

ArchiveReader::~ArchiveReader() = default;

void ArchiveReader::fail_with_reason() const {
  const char* reason = archive_error_string(archive_.get());
  fail("{}: {}{}", path_.string(), reason != nullptr ? reason : "it can't be read",
       last_name_.empty() ? "" : fmt::format(" (after member {}): it is damaged or cut short", last_name_));
}

bool ArchiveReader::next() {
  const int status = archive_read_next_header(archive_.get(), &entry_);
  if (status == ARCHIVE_EOF) return false;
  // A warning is about what matters only to those who extract: times, owners.
  if (status != ARCHIVE_OK && status != ARCHIVE_WARN) fail_with_reason();
  last_name_ = member().name;
  return true;
}

ArchiveReader::Member ArchiveReader::member() const {
  const char* name = archive_entry_pathname(entry_);
  if (name == nullptr) name = archive_entry_pathname_utf8(entry_);
  const char* hard_link = archive_entry_hardlink(entry_);
  return {name != nullptr ? name : "",
          hard_link != nullptr ? hard_link : "",
          archive_entry_filetype(entry_) == AE_IFREG || hard_link != nullptr,
          archive_entry_filetype(entry_) == AE_IFLNK,
          archive_entry_sparse_count(entry_) > 0,
          archive_entry_size(entry_)};
}

int64_t ArchiveReader::header_position() const { return archive_read_header_position(archive_.get()); }

bool ArchiveReader::is_plain_tar() const {
  return (archive_format(archive_.get()) & ARCHIVE_FORMAT_BASE_MASK) == ARCHIVE_FORMAT_TAR &&
         archive_filter_code(archive_.get(), 0) == ARCHIVE_FILTER_NONE;
}

size_t ArchiveReader::read(void* bytes, size_t count) {
  const la_ssize_t got = archive_read_data(archive_.get(), bytes, count);
  if (got < 0) fail_with_reason();
  return static_cast<size_t>(got);
}

bool is_archive(const std::filesystem::path& path) {
  try {
    return ArchiveReader(path).next();
  } catch (const Error&) {
    return false;
  }
}

}  // namespace minissl
