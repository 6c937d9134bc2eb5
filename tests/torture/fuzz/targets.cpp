#include "tests/torture/fuzz/targets.h"

#include <filesystem>
#include <unistd.h>

#include "apps/flags.h"
#include "apps/run/metrics_log.h"
#include "data/decode/decode.h"
#include "data/decode/exif.h"
#include "data/labels/label_table.h"
#include "data/sources/npz.h"
#include "data/sources/pack.h"
#include "data/sources/pack_writer.h"
#include "formats/npy.h"
#include "formats/safetensors.h"
#include "formats/safetensors_header.h"
#include "tensor/atomic_file.h"
#include "tensor/error.h"
#include "tests/data/archive_files.h"
#include "tests/data/fixture_files.h"
#include "tests/data/image_files.h"

namespace minissl::fuzz {
namespace {

namespace fs = std::filesystem;

fs::path scratch_file() {
  static const fs::path file = fs::temp_directory_path() / ("minissl-fuzz-" + std::to_string(getpid()));
  return file;
}

/// The bytes that a writer of ours writes to a file.
template <class Write>
std::string written(Write write) {
  const fs::path file = scratch_file();
  write(file);
  std::string bytes = read_file(file);
  fs::remove(file);
  return bytes;
}

/// Calls read(path) on a file of these bytes.
template <class Read>
void on_file(const std::string& bytes, Read read) {
  struct Removed {
    ~Removed() { unlink(scratch_file().c_str()); }
  } removed;
  write_file(scratch_file(), bytes);
  read(scratch_file());
}

std::span<const std::byte> bytes_of(const std::string& text) { return std::as_bytes(std::span(text)); }

std::vector<std::string> safetensors() {
  const auto save = [](const NamedTensors& tensors) {
    return written([&](const fs::path& file) { save_safetensors(file, tensors, {{"format", "minissl"}}); });
  };
  return {save({}), save({{"weight", Tensor::zeros({2, 3})}, {"count", Tensor::full({}, 7, DType::i64)}})};
}

std::vector<std::string> headers() {
  return {
      R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]},"__metadata__":{"k":"v"}})",
      R"({"a":{"dtype":"F16","shape":[],"data_offsets":[0,2]},"b":{"dtype":"U8","shape":[22],"data_offsets":[2,24]}})"};
}

std::vector<std::string> arrays() {
  const auto save = [](const Tensor& tensor) { return written([&](const fs::path& file) { save_npy(file, tensor); }); };
  return {save(Tensor::zeros({3, 2})), save(Tensor::full({4}, 1, DType::i64))};
}

std::vector<std::string> jpegs() {
  const auto pixels = test::gradient(19, 13, 3);
  return {test::jpeg(19, 13, 3, pixels), test::jpeg(19, 13, 3, pixels, {.progressive = true, .orientation = 6}),
          test::jpeg(19, 13, 1, test::gradient(19, 13, 1)),
          test::jpeg(19, 13, 4, test::gradient(19, 13, 4), {.cmyk = true}),
          test::jpeg(19, 13, 3, pixels, {.separate_scans = true})};
}

std::vector<std::string> pngs() {
  return {test::png(9, 7, 3, test::gradient(9, 7, 3)),
          test::png(9, 7, 1, test::gradient(9, 7, 1)),
          test::png(9, 7, 4, test::gradient(9, 7, 4)),
          test::png16(2, 2, 1, {0, 1000, 40000, 65535}),
          test::png_of(2, 1, 8, 3, std::string("\0\1\0", 3), "PLTE", "\x0a\x14\x1e\xc8\x64\x32"),
          test::png_of(4, 1, 1, 0, std::string("\0\xa0", 2), "tRNS", std::string(2, '\0'))};
}

/// The files of a format that are read, of those that other programs wrote.
template <const char*... prefixes>
std::vector<std::string> files_of_others() {
  std::vector<std::string> seeds;
  for (const char* prefix : {prefixes...})
    for (const test::FixtureFile& file : test::fixture_files(prefix))
      if (!file.is_refused()) seeds.push_back(file.bytes);
  return seeds;
}
constexpr char bmp[] = "bmp", dicom[] = "dicom", gif[] = "gif", pbm[] = "pbm", pgm[] = "pgm", ppm[] = "ppm",
               tiff[] = "tiff", webp[] = "webp";

void read_image_bytes(const std::string& bytes) {
  decode_image(bytes_of(bytes));
  levels_of_image(bytes_of(bytes));
}

std::vector<std::string> exif_blocks() {
  using namespace std::string_literals;
  return {"Exif\0\0MM\0*\0\0\0\b\0\1\1\x12\0\3\0\0\0\1\0\6\0\0\0\0\0\0"s,
          "Exif\0\0II*\0\b\0\0\0\1\0\x12\1\3\0\1\0\0\0\3\0\0\0\0\0\0\0"s};
}

std::vector<std::string> packs() {
  return {written([](const fs::path& file) {
    PackWriter writer(file, {"seeds", {"normal", "pneumonia"}});
    writer.add({.image = {Tensor::zeros({4, 3, 1}, DType::u8)}, .label = 0, .name = "a.png"}, 0);
    writer.add({.image = {Tensor::zeros({2, 2, 3})}, .label = 1, .name = "b.png"}, 1);
    writer.commit();
  })};
}

void read_pack(const std::string& bytes) {
  on_file(bytes, [](const fs::path& file) {
    const PackFile pack(file, 1);
    for (int64_t i = 0; i < pack.size(); ++i) std::ignore = pack.load(i).height() + pack.label(i);
  });
}

void read_images(const Dataset& dataset) {
  for (int64_t i = 0; i < dataset.size(); ++i) std::ignore = try_load(dataset, i).ok() + dataset.label(i);
}

std::vector<std::string> archives() {
  const test::Members members = {
      {"a/cat/1.png", test::png(9, 7, 3, test::gradient(9, 7, 3))},
      {"a/" + std::string(90, 'd') + "/" + std::string(90, 'n') + ".png", test::png(9, 7, 1, test::gradient(9, 7, 1))},
      {"a/dog/2.cls", "1"},
      {"a/dog/3.png", "link:a/cat/1.png"}};
  std::vector<std::string> made;
  for (const auto& [format, filter] : std::vector<std::pair<const char*, const char*>>{
           {"ustar", "none"}, {"pax", "none"}, {"gnutar", "none"}, {"ustar", "xz"}, {"ustar", "gzip"}, {"zip", "none"}})
    made.push_back(written([&, format = format, filter = filter](const fs::path& file) {
      const bool is_zip = std::string_view(format) == "zip";
      test::write_archive(file, is_zip ? test::Members{members.begin(), members.end() - 1} : members, format, filter);
    }));
  return made;
}

std::vector<std::string> idx_files() {
  using namespace std::string_literals;
  return {"\0\0\x08\x03\0\0\0\x02\0\0\0\x02\0\0\0\x03"s + "twelve bytes"};
}

void read_data(const std::string& bytes) {
  on_file(bytes, [](const fs::path& file) { read_images(*open_dataset(file.string(), 3, 0)); });
}

std::vector<std::string> medmnist_files() {
  return {written([](const fs::path& file) {
    test::write_archive(file,
                        {{"train_images.npy", test::npy("|u1", {2, 2, 3}, "twelve bytes")},
                         {"train_labels.npy", test::npy("|u1", {2, 2}, std::string("\1\0\0\1", 4))}},
                        "zip");
  })};
}

void read_npz(const std::string& bytes) {
  on_file(bytes, [](const fs::path& file) { read_images(*open_npz({file, ""}, 3)); });
}

std::vector<std::string> label_tables() {
  return {"path,labels,patient\r\na.png,x;?y,1\r\n\"b,\"\"c.png\",,2\r\n",
          "Image Index,Finding Labels,Follow-up #,Patient ID,\na.png,Mass|Edema,0,1,\nb.png,No Finding,1,1\n",
          "Path,Sex,Age,Frontal/Lateral,AP/PA,No Finding,Edema\nC/train/patient1/view1.jpg,F,1,Frontal,AP,-1.0,\n"};
}

void read_labels(const std::string& bytes) {
  on_file(bytes, [](const fs::path& file) { read_label_table(file); });
}

std::vector<std::string> configs() {
  return {"# a run\nmethod = \"moco\"\nlr = 1e-3\nresume = false\nweights = [25, 25, 1]\nname = \"a \\\"b\\\"\"\n"};
}

std::vector<std::string> logs() {
  return {R"({"event":"step","step":0,"epoch":0,"loss":1.5,"lr":0.1,"images_per_s":1,"seconds":1})"
          "\n"
          R"({"event":"monitor","epoch":1,"backbone":{"std":0.1,"count":16},"verdict":"healthy"})"
          "\n"};
}

void read_log(const std::string& bytes) {
  on_file(bytes, [](const fs::path& file) {
    for (const Json& event : read_metrics(file)) std::ignore = collapse_metrics_of(event, "backbone");
  });
}

}  // namespace

const std::vector<Target>& targets() {
  static const std::vector<Target> all = {
      {"safetensors", safetensors, [](const std::string& bytes) { on_file(bytes, load_safetensors); }},
      {"header", headers, [](const std::string& bytes) { parse_safetensors_header(bytes, 24, "here"); }},
      {"npy", arrays, [](const std::string& bytes) { on_file(bytes, load_npy); }},
      {"bmp", files_of_others<bmp>, read_image_bytes},
      {"dicom", files_of_others<dicom>, read_image_bytes},
      {"gif", files_of_others<gif>, read_image_bytes},
      {"jpeg", jpegs, read_image_bytes},
      {"png", pngs, read_image_bytes},
      {"pnm", files_of_others<pbm, pgm, ppm>, read_image_bytes},
      {"tiff", files_of_others<tiff>, read_image_bytes},
      {"webp", files_of_others<webp>, read_image_bytes},
      {"exif", exif_blocks, [](const std::string& bytes) { exif_orientation(bytes_of(bytes)); }},
      {"pack", packs, read_pack},
      {"archive", archives, read_data},
      {"idx", idx_files, read_data},
      {"npz", medmnist_files, read_npz},
      {"labels", label_tables, read_labels},
      {"toml", configs, [](const std::string& bytes) { flags_of(bytes); }},
      {"metrics", logs, read_log},
  };
  return all;
}

const Target& target(const std::string& name) {
  for (const Target& target : targets())
    if (target.name == name) return target;
  fail("{}: there is no such format to fuzz", name);
}

void try_to_read(const Target& target, const std::string& bytes) {
  try {
    target.read(bytes);
  } catch (const Error&) {
  }
}

}  // namespace minissl::fuzz
