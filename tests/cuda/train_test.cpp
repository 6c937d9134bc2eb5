#include "apps/trainer.h"
#include "tensor/atomic_file.h"
#include "tests/apps/repeatable_log.h"
#include "tests/apps/temporary_folder.h"
#include "tests/cuda/gpu.h"

/// Whole runs on a GPU: views made there, steps, monitoring, checkpoints.
namespace minissl {
namespace {

class TrainOnGpu : public TemporaryFolder {
 protected:
  void SetUp() override {
    MINISSL_NEEDS_GPU();
    TemporaryFolder::SetUp();
  }

  TrainFlags flags(const std::string& run) const {
    TrainFlags f;
    f.common.device = "cuda";
    f.network = NetworkFlags("resnet18");
    f.network.set_options({{"stem", "small"}, {"width", std::to_string(network_width)}}, "network");
    f.network.channels = 1, f.network.size = 8;
    f.method = MethodFlags::from_toml("moco", "queue = 8\ndim = 8\nmomentum-end = 1\n");
    f.data = "synth:12:32";
    f.out = (folder_ / run).string();
    f.batch = 4, f.epochs = 2, f.warmup_epochs = 1;
    f.monitor_every = 1, f.monitor_samples = 8;
    f.checkpoint_every = 0;  // changing layouts is slow on the simulated GPU
    f.clip_norm = 1;
    return f;
  }
  std::string bytes(const std::string& name) const { return read_file(folder_ / name); }
  std::string log(const std::string& run) const { return repeatable_log(folder_ / run); }
};

TEST_F(TrainOnGpu, EndsInTheSameBytesWithAGraphAndWithoutOneHalfway) {
  Trainer(flags("graph"), "").run();
  TrainFlags f = flags("mixed");
  f.cuda_graph = false;
  f.steps = 4;  // mid-epoch
  Trainer(f, "").run();
  f.cuda_graph = true;
  f.steps = 0;
  f.resume = true;
  Trainer(f, "").run();
  EXPECT_TRUE(bytes("graph/last.safetensors") == bytes("mixed/last.safetensors"));
  EXPECT_EQ(log("graph"), log("mixed"));
}

TEST_F(TrainOnGpu, ANaNStopsTheRunAndSaysWhere) {
  TrainFlags f = flags("nan");
  f.optimizer.kind = "sgd";
  f.lr = 1e30, f.warmup_epochs = 0, f.clip_norm = 0;
  try {
    Trainer(f, "").run();
    FAIL() << "it went on";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("not finite is in q_raw"), std::string::npos) << e.what();
  }
}

}  // namespace
}  // namespace minissl
