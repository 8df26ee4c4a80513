#include <memory>

#include <gtest/gtest.h>

#include "inference_stats.h"

namespace fmpn::gst {
namespace {

struct StructureFree {
  void operator()(GstStructure* structure) const { gst_structure_free(structure); }
};
using Structure = std::unique_ptr<GstStructure, StructureFree>;

double number(const Structure& stats, const char* field) {
  double value = -1;
  gst_structure_get_double(stats.get(), field, &value);
  return value;
}

guint64 count(const Structure& stats, const char* field) {
  guint64 value = 999;
  gst_structure_get_uint64(stats.get(), field, &value);
  return value;
}

TEST(Stats, AreDueOnceASecondAndBeginAnew) {
  InferenceStats stats;
  constexpr gint64 kBegin = 50 * G_USEC_PER_SEC;
  EXPECT_EQ(stats.take_if_due(kBegin), nullptr);
  for (int i = 1; i <= 100; ++i) stats.add_inference(2, i);
  for (int i = 0; i < 30; ++i) stats.add_frame(kBegin + i, 3, 1);
  EXPECT_EQ(stats.take_if_due(kBegin + 999999), nullptr);
  const Structure first(stats.take_if_due(kBegin + G_USEC_PER_SEC + G_USEC_PER_SEC / 2));
  ASSERT_TRUE(first);
  EXPECT_TRUE(gst_structure_has_name(first.get(), "fmpn-stats"));
  EXPECT_DOUBLE_EQ(number(first, "seconds"), 1.5);
  EXPECT_EQ(count(first, "frames"), 30U);
  EXPECT_EQ(count(first, "faces"), 90U);
  EXPECT_EQ(count(first, "skipped"), 30U);
  EXPECT_EQ(count(first, "inferences"), 200U);
  EXPECT_NEAR(number(first, "latency-p50"), 50, 1);
  EXPECT_NEAR(number(first, "latency-p95"), 95, 1);
  EXPECT_DOUBLE_EQ(number(first, "latency-max"), 100);

  EXPECT_EQ(stats.take_if_due(kBegin + 2 * G_USEC_PER_SEC), nullptr) << "a second has to pass from the last one";
  const Structure quiet(stats.take_if_due(kBegin + 3 * G_USEC_PER_SEC));
  ASSERT_TRUE(quiet);
  EXPECT_EQ(count(quiet, "frames"), 0U);
  EXPECT_DOUBLE_EQ(number(quiet, "latency-max"), 0) << "nothing was judged";
}

TEST(Stats, TheRestAtTheEndOfAStream) {
  InferenceStats stats;
  EXPECT_EQ(stats.take_rest(1), nullptr);
  stats.add_frame(G_USEC_PER_SEC, 1, 0);
  const Structure rest(stats.take_rest(G_USEC_PER_SEC / 4 * 5));
  ASSERT_TRUE(rest);
  EXPECT_EQ(count(rest, "frames"), 1U);
  EXPECT_DOUBLE_EQ(number(rest, "seconds"), 0.25) << "from the first frame's coming";
  EXPECT_EQ(stats.take_rest(2 * G_USEC_PER_SEC), nullptr) << "told already";

  stats.add_frame(60 * G_USEC_PER_SEC, 1, 0);
  EXPECT_DOUBLE_EQ(number(Structure(stats.take_if_due(61 * G_USEC_PER_SEC)), "seconds"), 1) << "the pause does not count";
}

TEST(Stats, AWaitAfterTheFirstFrameDoesNotCount) {
  InferenceStats stats;
  stats.resume(G_USEC_PER_SEC);
  EXPECT_EQ(stats.take_if_due(9 * G_USEC_PER_SEC), nullptr) << "no frame has come";
  stats.add_frame(10 * G_USEC_PER_SEC, 1, 0);
  stats.resume(40 * G_USEC_PER_SEC);
  EXPECT_EQ(stats.take_if_due(40 * G_USEC_PER_SEC + 1), nullptr);
  const Structure first(stats.take_if_due(41 * G_USEC_PER_SEC));
  ASSERT_TRUE(first);
  EXPECT_DOUBLE_EQ(number(first, "seconds"), 1);
  EXPECT_EQ(count(first, "frames"), 1U) << "which came before the wait";
}

}  // namespace
}  // namespace fmpn::gst
