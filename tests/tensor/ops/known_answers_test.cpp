#include <gtest/gtest.h>

#include "tensor/ops/adamw.h"
#include "tensor/ops/batch_norm.h"
#include "tensor/ops/convolution.h"
#include "tensor/ops/loss.h"
#include "tensor/ops/pooling.h"
#include "tensor/ops/rows.h"
#include "tensor/ops/sgd.h"
#include "tests/samples/sample.h"

/// Operations compared with PyTorch 1.13 in float64. The numbers come from the snippet above each test, run after
///   import torch, torch.nn.functional as F; torch.set_default_dtype(torch.float64)
/// with tensors printed flat. float64 tests the references, float32 the fast kernels.
namespace minissl {
namespace {

class KnownAnswers : public testing::TestWithParam<DType> {
 protected:
  static DType type() { return GetParam(); }
  static Tensor tensor(const Shape& shape, const std::vector<double>& values) {
    return Tensor::from(shape, values).to(type());
  }
  static Tensor filled(const Shape& shape, double (*f)(int64_t)) {
    std::vector<double> values;
    for (int64_t i = 0; i < shape.numel(); ++i) values.push_back(f(i));
    return tensor(shape, values);
  }
  static Tensor empty(const Shape& shape) { return Tensor::empty(shape, type()); }
  // PyTorch's numbers were rounded to 12 decimals.
  static void expect(const Tensor& actual, const std::vector<double>& expected) {
    const double error = samples::relative_error(actual, Tensor::from(actual.shape(), expected));
    EXPECT_LE(error, type() == DType::f64 ? 1e-11 : 1e-6) << testing::PrintToString(actual.to_vector());
  }
};

// nchw = lambda t: t.permute(0, 3, 1, 2)
// x = (torch.arange(40.).view(1, 4, 5, 2) % 7 - 3) / 2
// w = (torch.arange(54.).view(3, 3, 3, 2) % 5 - 2) / 4
// xs, ws = nchw(x).clone().requires_grad_(), nchw(w).clone().requires_grad_()
// y = F.conv2d(xs, ws, stride=2, padding=1)
// y.backward(nchw(torch.arange(18.).view(1, 2, 3, 3) % 4 - 1.5))
// print(y.permute(0, 2, 3, 1), xs.grad.permute(0, 2, 3, 1), ws.grad.permute(0, 2, 3, 1))
TEST_P(KnownAnswers, ConvolutionStride2Padding1) {
  const ops::ConvolutionGeometry geometry{2, 1};
  const Tensor x = filled({1, 4, 5, 2}, [](int64_t i) { return static_cast<double>(i % 7 - 3) / 2; });
  const Tensor w = filled({3, 3, 3, 2}, [](int64_t i) { return static_cast<double>(i % 5 - 2) / 4; });
  const Tensor dy = filled({1, 2, 3, 3}, [](int64_t i) { return static_cast<double>(i % 4) - 1.5; });
  expect(ops::convolution(x, w, geometry), {-1.125, 0.125, 0.125, 0.625, -2.125, 1.375, -1.125, 2.25, -1.25, -0.25,
                                            -0.875, 1.625, 0.25, 1.625, -1.375, -1.0, 0.25, 0.25});
  expect(ops::convolution_input_gradient(dy, w, x.shape(), geometry),
         {0.0,   -1.0, -0.625, 0.75, 0.5,   1.0,   -0.375, -2.25, -1.0,  1.0,   -0.875, 1.0,  0.25,   1.0,
          1.375, -1.0, -4.25,  -1.0, 1.625, 1.0,   0.5,    -1.0,  0.125, 0.75,  0.0,    -1.0, -0.625, 0.75,
          0.5,   1.0,  -1.0,   0.0,  0.75,  0.125, -1.0,   0.5,   0.75,  0.875, 1.0,    -1.0});
  expect(ops::convolution_weight_gradient(dy, x, w.shape(), geometry),
         {-2.25, -2.25, 3.0,  2.75,  0.25, -0.75, 3.0, 2.25,  -0.5, 1.25,  2.0,  -4.25, -1.0, 0.0,
          -4.0,  1.25,  -1.0, -2.0,  0.25, -0.75, 0.0, -0.75, 0.75, 0.75,  2.0,  -4.25, 1.5,  -1.25,
          -3.0,  1.25,  -1.0, -2.0,  2.0,  2.75,  1.0, 0.0,   0.75, 0.75,  -1.0, -0.25, 1.25, 2.25,
          -3.0,  1.25,  3.5,  -1.75, -2.0, 0.75,  1.0, 0.0,   0.0,  -1.75, 1.0,  2.0});
}

// This one is not from PyTorch but from the definition, in plain Python. With weights w.permute(0, 3, 1, 2) it is
// F.conv_transpose2d(nchw(x), w, stride=2, padding=1).
// x, w, y = [(i % 7 - 3) / 2 for i in range(12)], [(i % 5 - 2) / 4 for i in range(36)], [0] * 30
// for h, v, i, kh, kw, o in itertools.product(range(2), range(3), range(2), range(3), range(3), range(2)):
//   a, b = 2 * h + kh - 1, 2 * v + kw - 1
//   if 0 <= a < 3 and 0 <= b < 5: y[(a * 5 + b) * 2 + o] += x[(h * 3 + v) * 2 + i] * w[((i * 3 + kh) * 3 + kw) * 2 + o]
// print(y)
TEST_P(KnownAnswers, TransposedConvolutionStride2Padding1) {
  const Tensor x = filled({1, 2, 3, 2}, [](int64_t i) { return static_cast<double>(i % 7 - 3) / 2; });
  const Tensor w = filled({2, 3, 3, 2}, [](int64_t i) { return static_cast<double>(i % 5 - 2) / 4; });
  const Tensor y = ops::conv_transpose(x, w, {2, 1});
  EXPECT_EQ(y.shape(), (Shape{1, 3, 5, 2}));
  expect(y,
         {-0.125, -0.75, 0.625, -0.125, -0.125, -0.25, 0.625, -0.375, -0.125, 0.25,   0.0,  1.25,  1.0,   -0.75,  0.0,
          0.125,  -0.75, 0.5,   0.0,    -0.125, 0.75,  0.75,  -1.125, -0.875, -0.125, -0.5, 0.625, -0.25, -0.125, 0.0});
}

// x = torch.tensor([[1., 2.], [3., -1.], [4., 0.5], [-2., 6.]], requires_grad=True)
// bn = torch.nn.BatchNorm1d(2, momentum=0.1)
// with torch.no_grad(): bn.weight.copy_(torch.tensor([1.5, -0.5])); bn.bias.copy_(torch.tensor([0.25, 1.]))
// y = bn(x); y.backward(torch.tensor([[1., -1.], [0.5, 2.], [-2., 0.25], [3., 1.]]))
// print(y, bn.running_mean, bn.running_var, x.grad, bn.weight.grad, bn.bias.grad)
TEST_P(KnownAnswers, BatchNorm) {
  const Tensor x = tensor({4, 2}, {1, 2, 3, -1, 4, 0.5, -2, 6}), weight = tensor({2}, {1.5, -0.5});
  const Tensor bias = tensor({2}, {0.25, 1});
  const ops::BatchNormStatistics statistics{x, empty({2}), empty({2})};
  run(statistics);
  ops::BatchNorm op{x, weight, bias, statistics.mean, statistics.variance, {}, empty({4, 2})};
  run(op);
  expect(op.y, {-0.077326523615, 0.976026852561, 1.231979570844, 1.551382391094, 1.886632618073, 1.263704621827,
                -2.041285665302, 0.208886134518});
  // PyTorch's running averages start at 0 and 1 and take a tenth of the batch's mean and of its *unbiased* variance:
  // M / (M - 1) times the one that the batch was normalised with.
  const auto running = [](double start, const Tensor& batch, double factor) {
    std::vector<double> average = batch.to_vector();
    for (double& v : average) v = 0.9 * start + 0.1 * factor * v;
    return Tensor::from(batch.shape(), average);
  };
  expect(running(0, op.mean, 1), {0.15, 0.1875});
  expect(running(1, op.variance, 4.0 / 3), {1.6, 1.80625});

  const Tensor dy = tensor({4, 2}, {1, -1, 0.5, 2, -2, 0.25, 3, 1});
  ops::BatchNormGradientSums sums{.dy = dy,
                                  .x = x,
                                  .weight = weight,
                                  .bias = bias,
                                  .mean = op.mean,
                                  .variance = op.variance,
                                  .mask = {},
                                  .sums = Tensor::empty({2, 2}, DType::f64),
                                  .dweight = empty({2}),
                                  .dbias = empty({2})};
  run(sums);
  ops::BatchNormGradient gradient{.dy = dy,
                                  .x = x,
                                  .weight = weight,
                                  .bias = bias,
                                  .mean = op.mean,
                                  .variance = op.variance,
                                  .mask = {},
                                  .sums = sums.sums,
                                  .dx = empty({4, 2}),
                                  .dresidual = {},
                                  .count = 4};
  run(gradient);
  expect(gradient.dx, {0.007793941421, 0.297818137796, 0.631271222966, -0.233228476178, -0.529959492528, 0.080241125687,
                       -0.109105671859, -0.144830787305});
  expect(sums.dweight, {-6.655639313497, -0.803100439202});
  expect(sums.dbias, {2.5, 2.25});
}

// l = torch.tensor([[2., -1., 0.5], [100., 101., 99.]], requires_grad=True)
// loss = F.cross_entropy(l, torch.tensor([2, 0])); loss.backward(); print(loss, l.grad)
TEST_P(KnownAnswers, CrossEntropy) {
  const Tensor logits = tensor({2, 3}, {2, -1, 0.5, 100, 101, 99});
  const Tensor targets = Tensor::from({2}, std::vector<int64_t>{2, 0});
  ops::CrossEntropy op{logits, targets, empty({1}), empty({2}), empty({1})};
  run(op);
  ops::CrossEntropyGradient gradient{tensor({1}, {1}), logits, targets, op.log_sum_exp, op.count, empty({2, 3})};
  run(gradient);
  if (type() == DType::f32) {
    // log_sum_exp is 101.4, which float32 holds to 4e-6.
    EXPECT_NEAR(op.loss.item(), 1.574458630551, 4e-6);
    EXPECT_NEAR(gradient.dlogits.at(3), -0.377635764473, 4e-6);
    return;
  }
  expect(op.loss, {1.574458630551});
  expect(gradient.dlogits,
         {0.392798517295, 0.019556286635, -0.41235480393, -0.377635764473, 0.332620477887, 0.045015286585});
}

// p = torch.tensor([1., -2., 0.5], requires_grad=True)
// o = torch.optim.AdamW([p], lr=0.1, betas=(0.9, 0.99), eps=1e-3, weight_decay=0.2)
// for g in ([0.5, -1., 0.], [2., 0.25, -3.]): p.grad = torch.tensor(g); o.step(); print(p)
TEST_P(KnownAnswers, AdamWTwoSteps) {
  const Tensor value = tensor({3}, {1, -2, 0.5}), zeros = Tensor::zeros({3}, type());
  ops::AdamW op{.value = value,
                .gradient = tensor({3}, {0.5, -1, 0}),
                .m = zeros,
                .v = zeros.clone(),
                .pieces = one_parameter(value)};
  op.lr = 0.1, op.weight_decay = 0.2, op.beta2 = 0.99, op.eps = 1e-3;
  run(op);
  expect(value, {0.880199600798, -1.8600999001, 0.49});
  op.gradient = tensor({3}, {2, 0.25, -3});
  op.step = 2;
  run(op);
  expect(value, {0.774394272627, -1.775921637583, 0.554411082969});
}

// p = torch.tensor([1., -2., 0.5], requires_grad=True)
// o = torch.optim.SGD([p], lr=0.1, momentum=0.9, weight_decay=0.2)
// for g in ([0.5, -1., 0.], [2., 0.25, -3.]): p.grad = torch.tensor(g); o.step(); print(p)
TEST_P(KnownAnswers, SgdTwoSteps) {
  const Tensor value = tensor({3}, {1, -2, 0.5});
  // The buffer's contents before the first step must not matter.
  ops::Sgd op{.value = value,
              .gradient = tensor({3}, {0.5, -1, 0}),
              .buffer = tensor({3}, {5, 6, 7}),
              .pieces = one_parameter(value)};
  op.lr = 0.1, op.weight_decay = 0.2;
  run(op);
  expect(value, {0.93, -1.86, 0.49});
  op.gradient = tensor({3}, {2, 0.25, -3});
  op.step = 2;
  run(op);
  expect(value, {0.6484, -1.7218, 0.7712});
}

// x = torch.tensor([[3., -4.], [0., 0.], [1e-13, 0.]], requires_grad=True)
// y = F.normalize(x); y.backward(torch.tensor([[1., 2.], [1., -2.], [0.5, 1.]])); print(y, x.grad)
TEST_P(KnownAnswers, NormalizeDownToZero) {
  ops::Normalize op{tensor({3, 2}, {3, -4, 0, 0, 1e-13, 0}), empty({3, 2}), empty({3})};
  run(op);
  expect(op.y, {0.6, -0.8, 0, 0, 0.1, 0});
  ops::NormalizeGradient gradient{tensor({3, 2}, {1, 2, 1, -2, 0.5, 1}), op.y, op.norm, empty({3, 2})};
  run(gradient);
  expect(gradient.dx.rows(0, 1), {0.32, 0.24});
  expect(gradient.dx.rows(1, 3), {1e12, -2e12, 5e11, 1e12});
}

// x = torch.tensor([[1., 1., 0., 2.], [1., 1., 2., 2.], [0., 3., 3., -1.], [3., 0., -1., -1.]])
// x = x.view(1, 1, 4, 4).requires_grad_()
// y = F.max_pool2d(x, 3, 2, 1); y.backward(torch.tensor([1., 2., 4., 8.]).view(1, 1, 2, 2)); print(y, x.grad)
TEST_P(KnownAnswers, MaxPoolOfTiesTakesTheFirst) {
  const Tensor x = tensor({1, 4, 4, 1}, {1, 1, 0, 2, 1, 1, 2, 2, 0, 3, 3, -1, 3, 0, -1, -1});
  ops::MaxPool op{x, empty({1, 2, 2, 1}), Tensor::empty({1, 2, 2, 1}, DType::u8)};
  run(op);
  expect(op.y, {1, 2, 3, 3});
  ops::MaxPoolGradient gradient{tensor({1, 2, 2, 1}, {1, 2, 4, 8}), op.positions, empty(x.shape())};
  run(gradient);
  expect(gradient.dx, {1, 0, 0, 2, 0, 0, 0, 0, 0, 12, 0, 0, 0, 0, 0, 0});
}

INSTANTIATE_TEST_SUITE_P(, KnownAnswers, testing::Values(DType::f32, DType::f64),
                         [](const auto& info) { return name_of(info.param); });

}  // namespace
}  // namespace minissl
