#pragma once
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "data/image.h"
#include "data/white_level.h"

namespace minissl {

/// An image that can't be used.
struct BadFile {
  int64_t index = 0;
  std::string name, reason;
};
/// A file or folder that isn't part of a data set.
struct LeftOut {
  std::string path, reason;
};

/// Whether an image has one of several labels.
enum class Label : int8_t { no = 0, yes = 1, unknown = -1 };

/// A fixed, ordered collection of images. All functions may be called from several threads.
class Dataset {
 public:
  virtual ~Dataset() = default;

  virtual int64_t size() const = 0;
  /// Image i, with the number of channels that the data set was opened with. Throws ImageError (data/decode/decode.h)
  /// if it can't be read.
  virtual Image load(int64_t i) const = 0;
  /// Index into class_names(); -1: none.
  virtual int64_t label(int64_t i) const = 0;
  /// Path relative to the folder, with '/'; or another identifier if there is no folder. UTF-8, unless a file's name
  /// isn't. No two images have the same.
  virtual std::string name(int64_t i) const = 0;
  /// Empty for data without labels.
  virtual const std::vector<std::string>& class_names() const = 0;

  /// The labels of which an image may have several, such as findings; empty if images have classes or nothing.
  virtual const std::vector<std::string>& label_names() const;
  /// Those of image i, one for each of label_names().
  virtual std::span<const Label> labels(int64_t) const { return {}; }
  /// Whom image i shows; empty if that isn't known.
  virtual std::string patient(int64_t) const { return {}; }
  /// What people should know about how the data set was opened, a line each.
  virtual const std::vector<std::string>& remarks() const;
  /// The value that is white in 16-bit images that don't say it (DecodeOptions::max_value): as given, or chosen for all
  /// images; 0 if no image needs it.
  virtual int max_value() const { return 0; }
  /// Before any image is loaded.
  virtual void set_max_value(int) {}
  /// Counts the values of image i to which max_value() applies; nothing for most images, which aren't decoded for that.
  /// Throws as load() does.
  virtual LevelCounts levels([[maybe_unused]] int64_t i) const { return {}; }

  /// What was found where the images are and isn't one of them, ordered by path: files that aren't images, formats that
  /// this build can't read, folders that can't be entered.
  virtual const std::vector<LeftOut>& left_out() const;
  /// The size of the image's file; -1: unknown.
  virtual int64_t bytes(int64_t) const { return -1; }
  /// The images of the data set of which this is a part; size() if it isn't.
  virtual int64_t whole_size() const { return size(); }
};

/// Image i, or why it can't be read.
struct Loaded {
  Image image;
  std::string reason;  ///< empty if there is an image
  bool ok() const { return reason.empty(); }
};
/// Loads image i with `channels` (0: as it comes), and calls `prepare` with it. This alone decides what a bad file is:
/// whatever is thrown makes one, except for a lack of memory, which says nothing about the file. Throws OutOfMemory
/// only.
Loaded try_load(const Dataset& dataset, int64_t i, int64_t channels = 0,
                const std::function<void(Image&)>& prepare = {});

/// Opens the data set that --data names, with `channels` (1 or 3) for every image:
///   a folder of images (data/sources/image_folder.h);
///   a pack of decoded images in one file (data/sources/pack.h);
///   CIFAR-10 and CIFAR-100 (data/sources/cifar.h), IDX files (idx.h), MedMNIST's .npz (npz.h), tar and zip
///   (archive_images.h), as they are published; synth:N, synth:N:SIZE, synth:N:SIZE:SEED, generated radiographs
///   (data/sources/synth.h), by default 128 px and from `seed`.
/// Some have parts, PATH:train. Several of any kind, A,B and shard-{000..009}.tar, are one data set (joined.h).
/// `max_value` is as in DecodeOptions; 0 chooses it from the data set's images (data/white_level.h). Throws Error for
/// anything else. A folder without images makes an empty data set, whose left_out() says what was found instead;
/// loaders refuse it.
std::unique_ptr<Dataset> open_dataset(const std::string& spec, int channels, uint64_t seed, int max_value = 0);

/// Tells data sets apart wherever they are: a checksum of the names and labels, in order. Generated images, whose names
/// are alike, are told apart by what --data says, `spec`. The images themselves are not compared.
std::string identity_of(const Dataset& dataset, const std::string& spec);
/// A checksum of the sizes of the images' files: files of the same names that were written anew mostly differ in it.
std::string sizes_of(const Dataset& dataset);

}  // namespace minissl
