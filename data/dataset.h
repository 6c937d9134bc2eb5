#pragma once
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/image.h"

namespace minissl {

/// A fixed, ordered collection of images. All functions may be called from several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual int64_t size() const = 0;
  /// Image i, with the number of channels that the data set was opened with. Throws ImageError (data/decode.h) if it
  /// can't be read.
  virtual Image load(int64_t i) const = 0;
  /// Index into class_names(); -1: none.
  virtual int64_t label(int64_t i) const = 0;
  /// Path relative to the folder, with '/', UTF-8; or another identifier if there is no folder.
  virtual std::string name(int64_t i) const = 0;
  /// Empty for data without labels.
  virtual const std::vector<std::string>& class_names() const = 0;
};

/// Opens the data set that --data names, with `channels` (1 or 3) for every image:
///   a folder of JPEG and PNG files (data/image_folder.h);
///   a pack of decoded images in one file (data/pack.h);
///   synth:N, synth:N:SIZE, synth:N:SIZE:SEED, generated radiographs (data/synth.h), by default 128 px and from `seed`.
/// `max_value` is as in DecodeOptions. Throws Error for anything else, and for data without images.
std::unique_ptr<Dataset> open_dataset(const std::string& spec, int channels, uint64_t seed, int max_value = 0);

/// Tells data sets apart wherever they are: a checksum of the names and labels, in order. Generated images, whose names
/// are alike, are told apart by what --data says, `spec`. The images themselves are not compared.
std::string identity_of(const Dataset& dataset, const std::string& spec);

}  // namespace minissl
