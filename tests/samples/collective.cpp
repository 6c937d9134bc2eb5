#include "tensor/ops/collective.h"

#include "autograd/functions.h"
#include "tests/samples/registry.h"

namespace minissl::samples {
namespace {

// The second of two ranks; the first always contributes zeros, on any device. (tests/autograd/group_test.cpp has ranks
// that differ.)
class BesideZeros : public Group {
 public:
  int rank() const override { return 1; }
  int size() const override { return 2; }
  void sum_over_ranks(const Tensor& x) override { x.storage()->bump_version(); }  // x + 0
  void gather_over_ranks(const Tensor& x, const Tensor& y) override {
    y.rows(0, x.dim(0)).fill(0);
    y.rows(x.dim(0), 2 * x.dim(0)).copy_from(x);
  }
};

Group& beside_zeros() {
  static BesideZeros group;
  return group;
}

Sample collective(const char* name, const Shape& x, Variable (*f)(const Variable&)) {
  return {.operation = name,
          .name = fmt::format("{}", fmt::join(x.begin(), x.end(), "x")),
          .inputs = {normal(x)},
          .function = name,
          .form =
              [=](const Variables& in) {
                const GroupScope scope(beside_zeros());
                return f(in[0]);
              },
          .differentiable = {true}};
}

}  // namespace

Family collective_family() {
  Family family;
  for (const Shape& x : {Shape{5, 7}, Shape{3, 2, 4}, Shape{6}}) {
    family.samples.push_back(collective(ops::AllSum::name, x, all_sum));
    family.samples.push_back(collective(ops::AllGatherRows::name, x, all_gather_rows));
  }
  family.errors = {
      {"all_gather_rows", "scalar", [] { Group::single().all_gather_rows(Tensor::zeros({})); }, "f32[] has no rows"}};
  return family;
}

}  // namespace minissl::samples
