#include "nn/state_file.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include "nn/backbones/resnet.h"
#include "tensor/atomic_file.h"
#include "tensor/dry_run.h"

namespace minissl {
namespace {

namespace fs = std::filesystem;

class StateFileTest : public testing::Test {
 protected:
  void TearDown() override { fs::remove(path_); }
  const fs::path path_ = fs::temp_directory_path() / fmt::format("minissl-state-{}.safetensors", getpid());
};

TEST_F(StateFileTest, RoundTripInPyTorchsLayout) {
  ResNet net({resnet18, Stem::imagenet, 3}), other({resnet18, Stem::imagenet, 3});
  net.initialize(1);
  other.initialize(2);
  save_safetensors(path_, file_tensors(net, "encoder"));
  const SafetensorsReader reader(path_);
  const Tensor weight = reader.read("encoder.conv1.weight");
  EXPECT_EQ(weight.shape(), (Shape{64, 3, 7, 7}));
  const Tensor own = net.state()[0].tensor();  // (O, H, W, I)
  EXPECT_EQ(weight.at(((5 * 3 + 2) * 7 + 4) * 7 + 6), own.at(((5 * 7 + 4) * 7 + 6) * 3 + 2));
  load_state(other, reader, "encoder");
  const auto a = net.state(), b = other.state();
  for (size_t i = 0; i < a.size(); ++i) EXPECT_EQ(a[i].tensor().to_vector(), b[i].tensor().to_vector()) << a[i].name;
}

TEST_F(StateFileTest, WhatDoesNotFitIsNamedAndNothingChanges) {
  ResNet rgb({resnet18, Stem::imagenet, 3}), gray({resnet18, Stem::imagenet, 1});
  rgb.initialize(1);
  gray.initialize(2);
  const auto before = gray.state()[0].tensor().to_vector();
  save_safetensors(path_, file_tensors(rgb));
  try {
    load_state(gray, SafetensorsReader(path_));
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("conv1.weight is [64, 3, 7, 7] there, but [64, 1, 7, 7]"), std::string::npos)
        << e.what();
  }
  EXPECT_EQ(gray.state()[0].tensor().to_vector(), before);
  ResNet deep({resnet50, Stem::imagenet, 3});
  EXPECT_THROW(load_state(deep, SafetensorsReader(path_)), Error);
}

TEST_F(StateFileTest, ShapesAreComparedWithTheHeaderBeforeAnythingIsRead) {
  ResNet rgb({resnet18, Stem::imagenet, 3});
  rgb.initialize(1);
  save_safetensors(path_, file_tensors(rgb));
  {
    const DryRun dry_run;
    ResNet gray({resnet18, Stem::imagenet, 1}), same({resnet18, Stem::imagenet, 3});
    require_state_fits(same, SafetensorsReader(path_));
    EXPECT_THROW(require_state_fits(gray, SafetensorsReader(path_)), Error);
    EXPECT_THROW(require_state_fits(same, SafetensorsReader(path_), "encoder"), Error);
  }
  // Of a file cut off behind its header, the shapes can still be compared.
  ResNet gray({resnet18, Stem::imagenet, 1});
  const SafetensorsReader reader(path_);
  fs::resize_file(path_, fs::file_size(path_) / 2);
  allocator().reset_peak();
  const int64_t before = allocator().usage().peak;
  EXPECT_THROW(load_state(gray, reader), Error);
  EXPECT_EQ(allocator().usage().peak, before);
}

TEST_F(StateFileTest, ADamagedTensorChangesNothing) {
  ResNet net({resnet18, Stem::small, 1}), other({resnet18, Stem::small, 1});
  net.initialize(1);
  other.initialize(2);
  const auto before = other.state()[0].tensor().to_vector();
  save_safetensors(path_, file_tensors(net));
  std::string bytes = read_file(path_);
  ++bytes[bytes.size() - 1000];
  write_file(path_, bytes);
  try {
    load_state(other, SafetensorsReader(path_));
    FAIL();
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("is damaged: its checksum differs; use another checkpoint"), std::string::npos)
        << e.what();
  }
  EXPECT_EQ(other.state()[0].tensor().to_vector(), before);
}

TEST_F(StateFileTest, TypesAreConverted) {
  ResNet net({resnet18, Stem::small, 1}), wide({resnet18, Stem::small, 1});
  net.initialize(1);
  save_safetensors(path_, file_tensors(net));
  wide.to(DType::f64);
  load_state(wide, SafetensorsReader(path_));
  EXPECT_EQ(wide.state()[0].tensor().dtype(), DType::f64);
  EXPECT_EQ(wide.state()[0].tensor().to_vector(), net.state()[0].tensor().to_vector());
}

}  // namespace
}  // namespace minissl
