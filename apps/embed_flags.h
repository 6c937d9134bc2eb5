#pragma once
#include <memory>
#include <string>

#include "apps/features.h"
#include "apps/model_file.h"

namespace minissl {

/// The flags and functions of commands that embed data sets with a pretrained encoder.
struct EmbedFlags {
  CommonFlags common;
  NetworkFlags network;
  std::string weights;
  int workers = 1, max_value = 0;
  double max_bad_fraction = 0.01;

  void add_to(CLI::App& command);
  /// Opens a data set for a model. White in its 16-bit images is what --max-value says, or else what it was when the
  /// model was trained, or `otherwise`, or else what the images suggest.
  std::unique_ptr<Dataset> open(const std::string& spec, const ModelDescription& model, int otherwise = 0) const;
  /// Embeds images of `size` in the type `dtype`. Reports progress, under the name `what`, and unreadable files on
  /// standard error.
  Features extract(const Dataset& dataset, const ModelDescription& model, int64_t size, DType dtype,
                   const EmbedFunction& embed, const char* what) const;
  /// The same, batch by batch.
  void extract(const Dataset& dataset, const ModelDescription& model, int64_t size, DType dtype,
               const EmbedFunction& embed, const char* what, const FeatureSink& sink) const;

 private:
  LoaderOptions loader_options(const ModelDescription& model, int64_t size, DType dtype) const;
};

}  // namespace minissl
