#include <fmpn/labels.h>

#include <gtest/gtest.h>

namespace fmpn {
namespace {

TEST(Labels, EachCanonicalNameStandsForItself) {
  for (const auto name : kExpressions) EXPECT_EQ(canonical_expression(name), std::string(name));
}

TEST(Labels, DataSetsOwnSpellingsAreAliases) {
  EXPECT_EQ(canonical_expression("angry"), "anger");
  EXPECT_EQ(canonical_expression("Happy"), "happiness");
  EXPECT_EQ(canonical_expression("SAD"), "sadness");
  EXPECT_EQ(canonical_expression("surprised"), "surprise");
  EXPECT_EQ(canonical_expression("fearful"), "fear");
  EXPECT_EQ(canonical_expression("disgusted"), "disgust");
  EXPECT_EQ(canonical_expression("Neutral"), "neutral");
}

TEST(Labels, NothingElseIsAnExpression) {
  for (const char* name : {"", " ", "happ", "happyy", "smile", "0", "anger "}) EXPECT_FALSE(canonical_expression(name)) << name;
}

}  // namespace
}  // namespace fmpn
