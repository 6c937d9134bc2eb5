#pragma once
#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

/// Image files written by tests.
namespace minissl::test {

/// A folder that is removed with the test.
class TemporaryFolder {
 public:
  TemporaryFolder();
  ~TemporaryFolder();
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;
  const std::filesystem::path& path() const { return path_; }
  /// The path of `name` in it; creates its folders.
  std::filesystem::path file(const std::string& name) const;

 private:
  std::filesystem::path path_;
};

/// Content of an 8-bit PNG of width x height x channels (1: gray, 2: gray and alpha, 3: RGB, 4: RGBA).
std::string png(int width, int height, int channels, const std::vector<uint8_t>& pixels);
/// The same with 16 bits.
std::string png16(int width, int height, int channels, const std::vector<uint16_t>& pixels);
/// A PNG with any header: bit depth, colour type, and the data to compress as its rows.
std::string png_of(uint32_t width, uint32_t height, int bits, int color_type, const std::string& rows,
                   const std::string& extra_chunk_type = "", const std::string& extra_chunk = "");

struct JpegOptions {
  int quality = 95;
  bool progressive = false;
  int orientation = 0;             ///< Exif; 0: no Exif block
  bool cmyk = false;               ///< 4 channels, as Adobe stores them: inverted
  bool separate_scans = false;     ///< one for each channel
  int bands = 0, refinements = 0;  ///< progressive: scans of each channel by frequency, and by precision after them
};
/// Content of a JPEG of width x height x channels (1, 3, or 4 with cmyk).
std::string jpeg(int width, int height, int channels, const std::vector<uint8_t>& pixels,
                 const JpegOptions& options = {});

/// A smooth picture without symmetries, different in each channel.
std::vector<uint8_t> gradient(int width, int height, int channels);

/// Why open_dataset() refuses `spec`; "opened" if it doesn't.
std::string reason_to_refuse(const std::string& spec);

}  // namespace minissl::test
