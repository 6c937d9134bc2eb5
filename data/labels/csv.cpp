#include "data/labels/csv.h"

#include <csv.h>
#include <exception>
#include <string_view>

#include "tensor/atomic_file.h"
#include "tensor/error.h"

namespace minissl {
namespace {

/// The rows parsed so far. An exception is stored here because it must not pass through libcsv, which is written in C.
struct Rows {
  CsvRow row;
  std::vector<CsvRow> complete;
  std::exception_ptr error;
};

void end_field(void* text, size_t bytes, void* data) {
  auto& rows = *static_cast<Rows*>(data);
  try {
    rows.row.fields.emplace_back(static_cast<const char*>(text), bytes);
  } catch (...) {
    rows.error = std::current_exception();
  }
}

void end_row(int, void* data) {
  auto& rows = *static_cast<Rows*>(data);
  try {
    rows.complete.push_back(std::move(rows.row));
    rows.row = {};
  } catch (...) {
    rows.error = std::current_exception();
  }
}

class Parser {
 public:
  explicit Parser(const std::filesystem::path& path) : path_(path) {
    require(csv_init(&parser_, CSV_STRICT | CSV_STRICT_FINI) == 0, "{}: no memory to read it", path.string());
    // Spaces belong to the fields.
    csv_set_space_func(&parser_, [](unsigned char) { return 0; });
  }
  ~Parser() { csv_free(&parser_); }
  Parser(const Parser&) = delete;
  Parser& operator=(const Parser&) = delete;

  void parse(std::string_view text, int64_t line) {
    if (csv_parse(&parser_, text.data(), text.size(), end_field, end_row, &rows_) != text.size()) fail_at(line);
  }
  void finish(int64_t line) {
    if (csv_fini(&parser_, end_field, end_row, &rows_) != 0) fail_at(line);
  }
  /// Rows that the last call completed.
  std::vector<CsvRow> take() {
    if (rows_.error) std::rethrow_exception(rows_.error);
    return std::exchange(rows_.complete, {});
  }

 private:
  [[noreturn]] void fail_at(int64_t line) {
    if (rows_.error) std::rethrow_exception(rows_.error);
    fail("{}: line {}: {}: a quote isn't closed, or stands within a field", path_.string(), line,
         csv_strerror(csv_error(&parser_)));
  }

  const std::filesystem::path& path_;
  csv_parser parser_{};
  Rows rows_;
};

}  // namespace

void for_each_csv_row(const std::filesystem::path& path, const std::function<void(const CsvRow&)>& use) {
  const std::string content = read_file(path);
  std::string_view left = content;
  constexpr std::string_view mark = "\xEF\xBB\xBF";
  if (left.starts_with(mark)) left.remove_prefix(mark.size());
  Parser parser(path);
  int64_t line = 0, begin = 1;
  const auto use_complete = [&] {
    for (CsvRow& row : parser.take()) {
      row.line = std::exchange(begin, line + 1);
      use(row);
    }
  };
  while (!left.empty()) {
    const size_t end = std::min(left.find('\n'), left.size() - 1) + 1;
    // An empty line completes no row, and the next row begins after it.
    const bool is_empty = left.substr(0, end).find_first_not_of("\r\n") == left.npos;
    ++line;
    parser.parse(left.substr(0, end), begin);
    if (is_empty && begin == line) begin = line + 1;
    left.remove_prefix(end);
    use_complete();
  }
  parser.finish(begin);
  use_complete();
}

std::string csv_field(const std::string& text) {
  if (text.find_first_of(",\"\n\r") == std::string::npos) return text;
  std::string quoted = "\"";
  for (const char c : text) quoted += c == '"' ? "\"\"" : std::string(1, c);
  return quoted + '"';
}

}  // namespace minissl
