#include "tests/data/archive_files.h"

#include <archive.h>
#include <archive_entry.h>
#include <fmt/ranges.h>
#include <memory>
#include <zlib.h>

#include "tensor/error.h"

namespace minissl::test {

void write_archive(const std::filesystem::path& path, const Members& members, const char* format, const char* filter) {
  const std::unique_ptr<archive, int (*)(archive*)> out(archive_write_new(), archive_write_free);
  const auto check = [&](int status) {
    require(status == ARCHIVE_OK, "{}: {}", path.string(), archive_error_string(out.get()));
  };
  check(archive_write_set_format_by_name(out.get(), format));
  if (std::string_view(filter) != "none") check(archive_write_add_filter_by_name(out.get(), filter));
  check(archive_write_open_filename(out.get(), path.c_str()));
  for (const auto& [name, content] : members) {
    const std::unique_ptr<archive_entry, void (*)(archive_entry*)> entry(archive_entry_new(), archive_entry_free);
    archive_entry_set_pathname(entry.get(), name.c_str());
    archive_entry_set_perm(entry.get(), 0644);
    archive_entry_set_filetype(entry.get(), name.ends_with('/') ? AE_IFDIR : AE_IFREG);
    const bool hard = content.starts_with("link:"), symbolic = content.starts_with("symlink:");
    if (hard) archive_entry_set_hardlink(entry.get(), content.c_str() + 5);
    if (symbolic) {
      archive_entry_set_filetype(entry.get(), AE_IFLNK);
      archive_entry_set_symlink(entry.get(), content.c_str() + 8);
    }
    const std::string bytes = hard || symbolic ? "" : content;
    archive_entry_set_size(entry.get(), static_cast<int64_t>(bytes.size()));
    check(archive_write_header(out.get(), entry.get()));
    require(archive_write_data(out.get(), bytes.data(), bytes.size()) == static_cast<la_ssize_t>(bytes.size()),
            "{}: can't write", name);
  }
  check(archive_write_close(out.get()));
}

std::string gzipped(const std::string& bytes) {
  z_stream stream{};
  constexpr int gzip_window = 15 + 16;
  require(deflateInit2(&stream, 6, Z_DEFLATED, gzip_window, 8, Z_DEFAULT_STRATEGY) == Z_OK, "deflateInit2");
  std::string out(deflateBound(&stream, bytes.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(bytes.data()));
  stream.avail_in = static_cast<uInt>(bytes.size());
  stream.next_out = reinterpret_cast<Bytef*>(out.data());
  stream.avail_out = static_cast<uInt>(out.size());
  require(deflate(&stream, Z_FINISH) == Z_STREAM_END, "deflate");
  out.resize(stream.total_out);
  deflateEnd(&stream);
  return out;
}

std::string npy(const std::string& type, const std::vector<int64_t>& shape, const std::string& elements) {
  std::string header = fmt::format("{{'descr': '{}', 'fortran_order': False, 'shape': ({}{}), }}", type,
                                   fmt::join(shape, ", "), shape.size() == 1 ? "," : "");
  header.resize((10 + header.size() + 64) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(header.size() % 256) +
         static_cast<char>(header.size() / 256) + header + elements;
}

}  // namespace minissl::test
