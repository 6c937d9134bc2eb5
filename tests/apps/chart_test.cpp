#include "apps/run/chart.h"

#include <cmath>
#include <gtest/gtest.h>
#include <limits>

#include "apps/run/canvas.h"
#include "apps/run/picture.h"
#include "tensor/error.h"
#include "tests/apps/made_up_run.h"

namespace minissl {
namespace {

constexpr double nan = std::numeric_limits<double>::quiet_NaN();

std::vector<double> numbers(int64_t count, double offset = 0) {
  std::vector<double> values;
  for (int64_t i = 0; i < count; ++i) values.push_back(static_cast<double>(i) + offset);
  return values;
}

TEST(Curves, FewPointsStayAsTheyAre) {
  const Curve curve = bucket_means("loss", numbers(1000), numbers(1000, 0.5), 1000);
  EXPECT_EQ(curve.x, numbers(1000));
  EXPECT_EQ(curve.y, numbers(1000, 0.5));
  EXPECT_TRUE(curve.low.empty() && curve.high.empty());
}

TEST(Curves, BucketsKeepMeanAndExtremes) {
  const Curve curve = bucket_means("loss", numbers(8), {4, 0, 1, 3, nan, 7, nan, nan}, 3);
  EXPECT_EQ(curve.x, (std::vector<double>{1, 4, 6.5}));
  EXPECT_EQ(curve.y[0], 5.0 / 3);
  EXPECT_EQ(curve.y[1], 5);
  EXPECT_TRUE(std::isnan(curve.y[2]));
  EXPECT_EQ(curve.low[0], 0);
  EXPECT_EQ(curve.high[0], 4);
  EXPECT_EQ(curve.low[1], 3);
  EXPECT_EQ(curve.high[1], 7);
}

TEST(Curves, NeverMoreThanAskedAndNothingLost) {
  for (int64_t count : {1, 2, 999, 1000, 1001, 1999, 100'000, 123'457}) {
    const Curve curve = bucket_means("loss", numbers(count), numbers(count));
    EXPECT_LE(static_cast<int64_t>(curve.y.size()), most_points);
    EXPECT_EQ(curve.low.empty() ? curve.y.front() : curve.low.front(), 0);
    EXPECT_EQ(curve.high.empty() ? curve.y.back() : curve.high.back(), static_cast<double>(count - 1));
  }
}

TEST(Curves, AreMadeOfTheEventsThatAreThere) {
  std::vector<Json> events;
  events.push_back(Json::parse(R"({"event":"step","step":0,"loss":3.0,"lr":0.1})"));
  events.push_back(Json::parse(R"({"event":"step","step":1,"loss":null,"loss/late":2.0})"));
  events.push_back(Json::parse(R"({"event":"step","step":2,"loss":1.0})"));
  const TrainingCharts charts = training_charts(events);
  ASSERT_EQ(charts.losses.size(), 2u);
  EXPECT_EQ(charts.losses[0].id, "loss");
  EXPECT_EQ(charts.losses[1].title, "late");
  EXPECT_TRUE(std::isnan(charts.losses[1].curves[0].y[0]));
  EXPECT_EQ(charts.losses[1].curves[0].y[1], 2);
  ASSERT_EQ(charts.pace.size(), 1u);
  EXPECT_EQ(charts.losses_not_finite, 1);
  EXPECT_EQ(charts.first_not_finite, 1);
  EXPECT_TRUE(training_charts({}).losses.empty());
  EXPECT_TRUE(spread_charts(events).empty());
  EXPECT_TRUE(accuracy_chart(events).curves.empty());
}

TEST(Curves, ALossThatFallsByOrdersOfMagnitudeIsLogarithmic) {
  std::vector<Json> events;
  for (int64_t step = 0; step < 10; ++step)
    events.push_back(to_json(StepEvent{
        .step = step, .loss = 4000 / std::pow(2.0, static_cast<double>(step)), .lr = step == 0 ? 1e-6 : 1e-3}));
  const TrainingCharts charts = training_charts(events);
  EXPECT_TRUE(charts.losses[0].logarithmic);
  EXPECT_FALSE(charts.pace[0].logarithmic);
  EXPECT_FALSE(training_charts(made_up_events(3, 4, false)).losses[0].logarithmic);
}

TEST(Curves, NumbersForPeople) {
  EXPECT_EQ(format_number(nan), "–");
  EXPECT_EQ(format_number(0), "0");
  EXPECT_EQ(format_number(0.21549), "0.215");
  EXPECT_EQ(format_number(0.01234), "0.0123");
  EXPECT_EQ(format_number(-0.0012345), "-0.00123");
  EXPECT_EQ(format_number(0.001), "0.001");
  EXPECT_EQ(format_number(0.09996), "0.100");
  EXPECT_EQ(format_number(5.1234), "5.12");
  EXPECT_EQ(format_number(97.44), "97.4");
  EXPECT_EQ(format_number(-219.3), "-219");
  EXPECT_EQ(format_number(999.7), "1,000");
  EXPECT_EQ(format_number(-1234567), "-1,234,567");
  EXPECT_EQ(format_number(8.3e-10), "8.3e-10");
}

TEST(Ticks, AreRoundAndCoverTheRange) {
  for (const auto& [low, high] :
       {std::pair{0.0, 0.95}, {0.0, 219.0}, {-0.05, 0.11}, {5.0, 5.0}, {0.0, 0.0}, {1e-9, 3e-9}, {-3e5, 7e8}}) {
    const std::vector<double> ticks = round_ticks(low, high, 4);
    EXPECT_GE(ticks.size(), 2u);
    EXPECT_LE(ticks.size(), 5u) << low << " " << high;
    EXPECT_LE(ticks.front(), low);
    EXPECT_GE(ticks.back(), high);
  }
  EXPECT_EQ(round_ticks(0, 9, 5), (std::vector<double>{0, 2, 4, 6, 8, 10}));
}

TEST(CanvasTest, LinesCoverTheirAreaAndNothingElse) {
  Canvas canvas(40, 30, {255, 255, 255});
  canvas.polyline({{10, 15}, {20, 15}, {30, 15}}, 4, {0, 0, 0});
  double ink = 0;
  for (double value : canvas.pixels().to_vector()) ink += (255 - value) / 255 / 3;
  EXPECT_NEAR(ink, 20 * 4 + 3.14159 * 4, 1.0) << "a rectangle with two half discs, the overlap counted once";
  EXPECT_EQ(canvas.pixels().at((15 * 40 + 20) * 3), 0);
  EXPECT_EQ(canvas.pixels().at((11 * 40 + 20) * 3), 255);
}

TEST(CanvasTest, DrawsTextAndCutsOffWhatLiesOutside) {
  Canvas canvas(60, 20, {255, 255, 255});
  const auto ink = [&] {
    double sum = 0;
    for (double value : canvas.pixels().to_vector()) sum += 255 - value;
    return sum;
  };
  canvas.polyline({{-100, -50}, {-90, 500}}, 5, {0, 0, 0});
  canvas.rectangle({70, 3}, {90, 8}, {0, 0, 0});
  EXPECT_EQ(ink(), 0);
  canvas.text({2, 15}, "0.25 · ü \xff", 14, {0, 0, 0});
  canvas.text({-20, 4}, "far outside, far outside, far outside", 14, {0, 0, 0});
  EXPECT_GT(ink(), 1000);
}

TEST(MonitorPicture, IsTheSameForTheSameRunAndNotForAnother) {
  const Tensor healthy = draw_monitor("run", made_up_events(50, 1, false));
  EXPECT_EQ(healthy.dim(2), 3);
  EXPECT_EQ(encode_png(healthy), encode_png(draw_monitor("run", made_up_events(50, 1, false))));
  EXPECT_NE(encode_png(healthy), encode_png(draw_monitor("run", made_up_events(50, 1, true))));
}

TEST(MonitorPicture, WorksWithWhatIsThere) {
  EXPECT_THROW(draw_monitor("run", {}), Error);
  const std::vector<Json> one = {Json::parse(R"({"event":"monitor","epoch":3,"backbone":{"std":0.5,"norm":null}})")};
  EXPECT_GT(draw_monitor("run", one).numel(), 0);
}

}  // namespace
}  // namespace minissl
