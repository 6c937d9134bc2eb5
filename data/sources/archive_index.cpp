#include "data/sources/archive_index.h"

#include <algorithm>
#include <map>
#include <unordered_map>

#include "data/decode/decode.h"
#include "data/decode/format.h"
#include "data/sources/archive.h"
#include "data/sources/unpack.h"
#include "tensor/error.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;
using Member = ArchiveIndex::Member;

constexpr int64_t tar_block = 512;

std::string lower_extension(const std::string& name) {
  const size_t slash = name.rfind('/'), dot = name.rfind('.');
  if (dot == name.npos || (slash != name.npos && dot < slash)) return {};
  std::string extension = name.substr(dot);
  for (char& c : extension)
    if ('A' <= c && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return extension;
}

/// Files so called are images even where their content isn't: then they are damaged.
bool has_image_extension(const std::string& extension) {
  for (const char* known :
       {".jpg", ".jpeg", ".jfif", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".dcm", ".pgm", ".ppm"})
    if (extension == known) return true;
  return false;
}

bool is_hidden(const std::string& name) { return name.starts_with('.') || name.find("/.") != name.npos; }

std::string without_dot(const std::string& name) {
  size_t begin = 0;
  while (name.compare(begin, 2, "./") == 0 || name.compare(begin, 1, "/") == 0) begin += name[begin] == '/' ? 1 : 2;
  return name.substr(begin);
}

/// Sorts an archive's members into what they are.
class Sorter {
 public:
  explicit Sorter(const fs::path& path) : path_(path) {}

  bool wants(const ArchiveReader::Member& member) {
    if (is_hidden(without_dot(member.name))) return false;
    if (member.is_symbolic_link) ++ignored_["symbolic links"];
    if (member.is_sparse) ++ignored_["sparse files"];
    return member.is_file && !member.is_sparse;
  }

  void add(Member member, const ByteSource& bytes) {
    const std::string extension = lower_extension(member.name);
    if (extension == ".cls")
      index_.classes.push_back(std::move(member));
    else if (has_image_extension(extension) || has_image_content(member, bytes))
      index_.images.push_back(std::move(member));
    else
      ++ignored_[extension.empty() ? "without an extension" : extension];
  }

  ArchiveIndex finish(std::shared_ptr<const ByteSource> bytes) {
    index_.bytes = std::move(bytes);
    order(index_.images);
    order(index_.classes);
    std::string kinds;
    int64_t count = 0;
    for (const auto& [kind, files] : ignored_) {
      kinds += fmt::format("{}{} {}", kinds.empty() ? "" : ", ", files, kind);
      count += files;
    }
    if (count > 0)
      index_.remarks.push_back(
          fmt::format("{}: {} files in it aren't images and are ignored: {}", path_.string(), count, kinds));
    if (repeated_ > 0)
      index_.remarks.push_back(
          fmt::format("{}: {} images are in it more than once; the last of each counts", path_.string(), repeated_));
    return std::move(index_);
  }

 private:
  static bool has_image_content(const Member& member, const ByteSource& bytes) {
    std::vector<std::byte> first(static_cast<size_t>(std::min<int64_t>(member.bytes, signature_bytes)));
    if (!first.empty()) bytes.read_at(member.begin, first.data(), first.size());
    return format_of(first) != ImageFormat::none;
  }

  // As with tar's own extraction, a later member of the same name replaces the earlier.
  void order(std::vector<Member>& members) {
    std::stable_sort(members.begin(), members.end(), [](const Member& a, const Member& b) { return a.name < b.name; });
    size_t kept = 0;
    for (size_t i = 0; i < members.size(); ++i) {
      if (i + 1 < members.size() && members[i + 1].name == members[i].name)
        ++repeated_;
      else if (kept++ != i)
        members[kept - 1] = std::move(members[i]);
    }
    members.resize(kept);
  }

  const fs::path& path_;
  ArchiveIndex index_;
  std::map<std::string, int64_t> ignored_;
  int64_t repeated_ = 0;
};

ArchiveIndex index_plain_tar(const fs::path& path, ArchiveReader& archive) {
  auto bytes = file_bytes(path);
  Sorter sorter(path);
  std::unordered_map<std::string, Member> links;
  std::vector<Member> found;
  const auto place = [&](Member member, int64_t header, int64_t next_header) {
    member.begin = next_header - (member.bytes + tar_block - 1) / tar_block * tar_block;
    require(member.begin >= header + tar_block && member.bytes <= bytes->size() - member.begin,
            "{}: member {} is cut short", path.string(), member.name);
    found.push_back(std::move(member));
  };
  std::vector<std::pair<std::string, std::string>> hard_links;
  Member waiting;
  int64_t header = -1;
  bool more = true;
  while (more) {
    more = archive.next();
    // The place of a member follows from that of the next header.
    if (header >= 0) place(std::move(waiting), header, archive.header_position());
    header = -1;
    if (!more) break;
    const ArchiveReader::Member member = archive.member();
    if (!sorter.wants(member)) continue;
    if (!member.hard_link.empty()) {
      hard_links.emplace_back(without_dot(member.name), without_dot(member.hard_link));
      continue;
    }
    waiting = {without_dot(member.name), 0, member.size};
    header = archive.header_position();
  }
  if (!hard_links.empty())
    for (const Member& member : found) links[member.name] = member;
  for (const auto& [name, target] : hard_links)
    if (const auto original = links.find(target); original != links.end())
      found.push_back({name, original->second.begin, original->second.bytes});
  const int64_t end = archive.header_position();
  for (Member& member : found) sorter.add(std::move(member), *bytes);
  const bool ends = end < bytes->size();
  ArchiveIndex index = sorter.finish(std::move(bytes));
  if (!ends)
    index.remarks.push_back(
        fmt::format("{}: has no mark at its end: it may have been cut short between two members", path.string()));
  return index;
}

ArchiveIndex index_unpacked(const fs::path& path, ArchiveReader& archive) {
  auto bytes = std::make_shared<UnpackedFile>(path);
  Sorter sorter(path);
  std::unordered_map<std::string, Member> known;
  std::vector<std::byte> buffer(1 << 20);
  do {
    const ArchiveReader::Member member = archive.member();
    if (!sorter.wants(member)) continue;
    Member place{without_dot(member.name), bytes->size(), 0};
    if (!member.hard_link.empty()) {
      const auto original = known.find(without_dot(member.hard_link));
      if (original == known.end()) continue;
      place.begin = original->second.begin, place.bytes = original->second.bytes;
    } else {
      place.bytes = unpack_member(archive, *bytes);
    }
    known[place.name] = place;
    sorter.add(std::move(place), *bytes);
  } while (archive.next());
  std::string remark = bytes->remark();
  ArchiveIndex index = sorter.finish(std::move(bytes));
  index.remarks.insert(index.remarks.begin(), std::move(remark));
  return index;
}

}  // namespace

ArchiveIndex index_archive(const fs::path& path) {
  ArchiveReader archive(path);
  require(archive.next(), "{}: there is nothing in it", path.string());
  if (!archive.is_plain_tar()) return index_unpacked(path, archive);
  ArchiveReader from_the_start(path);
  return index_plain_tar(path, from_the_start);
}

}  // namespace minissl
