#include "data/sources/unpack.h"

#include <zlib.h>

#include "data/sources/archive.h"
#include "tensor/error.h"

namespace minissl {
namespace {

constexpr size_t buffer_bytes = 1 << 20;

}  // namespace

int64_t unpack_member(ArchiveReader& archive, UnpackedFile& to) {
  std::vector<std::byte> buffer(buffer_bytes);
  const int64_t before = to.size();
  while (const size_t got = archive.read(buffer.data(), buffer.size())) to.append(buffer.data(), got);
  return to.size() - before;
}

std::shared_ptr<const ByteSource> open_unpacked(const std::filesystem::path& path, std::vector<std::string>& remarks) {
  if (path.extension() != ".gz") return file_bytes(path);
  auto unpacked = std::make_shared<UnpackedFile>(path);
  // zlib, since libarchive doesn't compare gzip's checksum.
  const std::unique_ptr<gzFile_s, int (*)(gzFile)> file(gzopen(path.c_str(), "rbe"), gzclose_r);
  require(file != nullptr, "{}: can't open", path.string());
  std::vector<std::byte> buffer(buffer_bytes);
  int got = 0;
  while ((got = gzread(file.get(), buffer.data(), static_cast<unsigned>(buffer.size()))) > 0) {
    require(gzdirect(file.get()) == 0, "{}: not gzip, which its name says it is", path.string());
    unpacked->append(buffer.data(), static_cast<size_t>(got));
  }
  int status = Z_OK;
  const char* reason = gzerror(file.get(), &status);
  require(got == 0 && status == Z_OK, "{}: {}: it is damaged or cut short", path.string(), reason);
  remarks.push_back(unpacked->remark());
  return unpacked;
}

}  // namespace minissl
