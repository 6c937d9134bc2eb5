#pragma once
#include "data/image.h"
#include "data/sources/pack_format.h"
#include "tensor/atomic_file.h"

namespace minissl {

/// A sample to be packed: an image, or a file's bytes.
struct PackSample {
  Image image = {};                     ///< its shape, and its pixels unless `encoded` has some
  std::vector<std::byte> encoded = {};  ///< a file that decode_image() reads
  int64_t label = -1;
  std::string name = {}, patient = {};
  std::vector<Label> labels = {};  ///< one for each of the header's label names
};

/// Writes a pack, a block at a time, into FILE.minissl-part, which becomes FILE when it is whole. What a process that
/// was killed had written stays there, and the next writer goes on after its last undamaged block.
class PackWriter {
 public:
  /// Throws Error if an unfinished pack of something else is there.
  PackWriter(const std::filesystem::path& path, const PackHeader& header);

  /// Images of the data set that are done, unreadable ones included.
  int64_t source_end() const { return source_end_; }
  int64_t images() const { return table_.images; }

  /// Adds image `source` of the data set.
  void add(const PackSample& sample, int64_t source);
  void commit();

 private:
  void resume(int64_t first_block, const PackHeader& header);
  void write_block();

  AtomicFile file_;
  PackTable table_;
  int64_t source_end_ = 0, end_ = 0;
  std::vector<SampleRecord> records_;  // of the block in progress
  std::string samples_;
};

}  // namespace minissl
