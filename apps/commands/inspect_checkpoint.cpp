#include <nlohmann/json.hpp>

#include "apps/command.h"
#include "apps/run/json_text.h"
#include "formats/safetensors.h"
#include "tensor/memory.h"

namespace minissl {
namespace {

struct InspectCheckpoint {
  std::string file;
  bool json = false;

  void run() const;
};

void InspectCheckpoint::run() const {
  const SafetensorsReader reader(file);
  reader.verify();
  const char* checksums = reader.has_checksums() ? "verified" : "none";
  nlohmann::ordered_json tensors = nlohmann::json::array();
  std::string table;
  size_t widest = 0;
  int64_t numbers = 0, bytes = 0;
  for (const StoredTensor& t : reader.tensors()) widest = std::max(widest, t.name.size());
  for (const StoredTensor& t : reader.tensors()) {
    tensors.push_back({{"name", t.name},
                       {"shape", std::vector<int64_t>(t.shape.begin(), t.shape.end())},
                       {"dtype", t.stored_as},
                       {"bytes", t.end - t.begin}});
    table += fmt::format("{:{}}  {:4}  {}\n", t.name, widest, t.stored_as, t.shape.str());
    numbers += t.shape.numel();
    bytes += t.end - t.begin;
  }
  if (json) {
    const nlohmann::ordered_json object = {
        {"metadata", reader.metadata()}, {"tensors", tensors}, {"bytes", bytes}, {"checksums", checksums}};
    fmt::print("{}\n", json_text(object));
    return;
  }
  for (const auto& [key, value] : reader.metadata()) {
    // Flags take several lines.
    std::string lines;
    for (const char c : value.substr(0, value.find_last_not_of('\n') + 1)) {
      lines += c;
      if (c == '\n') lines += "    ";
    }
    fmt::print("{}:{}{}\n", key, lines.find('\n') == std::string::npos ? " " : "\n    ", lines);
  }
  fmt::print("{}{}{} tensors, {} numbers, {}, checksums: {}\n", reader.metadata().empty() ? "" : "\n", table,
             reader.tensors().size(), numbers, format_bytes(bytes), checksums);
}

}  // namespace

void add_inspect_checkpoint(CLI::App& inspect) {
  CLI::App& command = add_command(inspect, "checkpoint",
                                  "Names, types and shapes of a file's tensors, and its metadata; verifies checksums");
  auto flags = std::make_shared<InspectCheckpoint>();
  add_positional(command, "FILE", flags->file, "a .safetensors file");
  add_json(command, flags->json);
  set_action(command, [flags] { flags->run(); });
}

}  // namespace minissl
