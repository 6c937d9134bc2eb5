#include "data/sources/folder_scan.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <set>

#include "data/decode/format.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

constexpr std::array left_behind = {std::string_view("thumbs.db"),    std::string_view("ehthumbs.db"),
                                    std::string_view("desktop.ini"),  std::string_view("@eadir"),
                                    std::string_view("__macosx"),     std::string_view("lost+found"),
                                    std::string_view("$recycle.bin"), std::string_view("system volume information")};

std::string lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(),
                 [](char c) { return 'A' <= c && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  return result;
}

bool is_ignored(std::string_view name) {
  return name.starts_with('.') || std::find(left_behind.begin(), left_behind.end(), lower(name)) != left_behind.end();
}

// Of the format, none if the extension isn't that of an image.
ImageFormat format_of_extension(std::string_view name) {
  const size_t dot = name.rfind('.');
  return dot == name.npos ? ImageFormat::none : format_with_extension(lower(name.substr(dot + 1)));
}

// Whether an error is one of the file or folder. Any other, such as too many open files or a failing disk, says nothing
// about it: going on without it would make another data set.
bool belongs_to_file(const std::error_code& error) {
  for (const std::errc own :
       {std::errc::permission_denied, std::errc::operation_not_permitted, std::errc::no_such_file_or_directory,
        std::errc::too_many_symbolic_link_levels, std::errc::filename_too_long, std::errc::no_such_device_or_address})
    if (error == own) return true;
  return false;
}

void require_own(const std::error_code& error, const fs::path& path) {
  if (error && !belongs_to_file(error)) fail("{}: can't be read: {}", path.string(), error.message());
}

// Empty if the file is an image, else why it isn't used.
std::string why_not_an_image(const fs::path& path, std::string_view name) {
  const ImageFormat promised = format_of_extension(name);
  if (promised != ImageFormat::none && unreadable_because(promised).empty()) return {};
  std::array<char, signature_bytes> first{};
  std::ifstream file(path, std::ios::binary);
  if (!file) {
    const std::error_code error(errno, std::generic_category());
    require_own(error, path);
    return "can't be read: " + error.message();
  }
  file.read(first.data(), first.size());
  const auto bytes = std::as_bytes(std::span(first)).first(static_cast<size_t>(file.gcount()));
  return std::string(unreadable_because(format_of(bytes)));
}

bool holds_a_run(const fs::path& folder) {
  std::error_code ignored;
  return fs::exists(folder / "config.toml", ignored) && fs::exists(folder / "metrics.jsonl", ignored);
}

// What is in a folder, in the order of the bytes of relative paths: a folder counts as its name with '/', since that is
// how the paths of its files go on.
struct Entries {
  StringTable names;
  std::vector<bool> is_folder;
  std::vector<uint32_t> order;
};

class Scan {
 public:
  void visit(const fs::path& folder, const std::string& relative) {
    std::error_code error;
    const fs::path canonical = fs::canonical(folder, error);
    if (!error && !visited_.insert(canonical).second) return;
    const Entries entries = error ? Entries() : list(folder, relative, error);
    require_own(error, folder);
    if (error) {
      require(!relative.empty(), "can't be read: {}", error.message());
      result.left_out.push_back({relative, "can't be entered: " + error.message()});
    }
    for (const uint32_t i : entries.order) {
      const std::string_view name = entries.names[i];
      if (!entries.is_folder[i])
        result.images.append(relative + std::string(name));
      else if (const fs::path inner = folder / std::string(name.substr(0, name.size() - 1)); holds_a_run(inner))
        result.left_out.push_back({relative + std::string(name), "holds a run, whose pictures are not data"});
      else
        visit(inner, relative + std::string(name));
    }
  }

  FolderScan result;

 private:
  // Files that aren't images are left out here, so that they take no memory of a folder's list.
  Entries list(const fs::path& folder, const std::string& relative, std::error_code& error) {
    Entries entries;
    for (fs::directory_iterator at(folder, error), end; !error && at != end; at.increment(error)) {
      const std::string name = at->path().filename().string();
      if (is_ignored(name)) continue;
      std::error_code unknown;
      const fs::file_status status = at->status(unknown);  // of what a link points to
      require_own(unknown, at->path());
      const bool is_folder = fs::is_directory(status);
      // A link to nowhere counts as an image if it is called one, so that loading it reports the error.
      const bool dangling = status.type() == fs::file_type::not_found || unknown;
      std::string why;
      if (dangling)
        why = format_of_extension(name) == ImageFormat::none ? "a link to a file that doesn't exist" : "";
      else if (!is_folder)
        why = fs::is_regular_file(status) ? why_not_an_image(at->path(), name) : "not a regular file";
      if (!why.empty()) {
        result.left_out.push_back({relative + name, why});
        continue;
      }
      entries.order.push_back(static_cast<uint32_t>(entries.names.size()));
      entries.names.append(is_folder ? name + '/' : name);
      entries.is_folder.push_back(is_folder);
    }
    std::sort(entries.order.begin(), entries.order.end(),
              [&](uint32_t a, uint32_t b) { return entries.names[a] < entries.names[b]; });
    return entries;
  }

  std::set<fs::path> visited_;
};

}  // namespace

FolderScan scan_folder(const fs::path& folder) {
  Scan scan;
  scan.visit(folder, "");
  scan.result.images.release_slack();
  std::sort(scan.result.left_out.begin(), scan.result.left_out.end(),
            [](const LeftOut& a, const LeftOut& b) { return a.path < b.path; });
  return std::move(scan.result);
}

}  // namespace minissl
