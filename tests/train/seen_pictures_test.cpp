// Whether a model says that it was trained on what it is asked about.
#include "seen_pictures.h"

#include <gtest/gtest.h>

namespace fmpn::train {
namespace {

std::string seen(const std::string& data, const std::string& without_fold, const Selection& selection) {
  ModelInfo model;
  if (!data.empty()) model.provenance["data"] = data;
  if (!without_fold.empty()) model.provenance["without_fold"] = without_fold;
  return seen_of(model, "/somewhere/heads", selection);
}

TEST(SeenPictures, OfAFold) {
  EXPECT_EQ(seen("heads", "1", {"", 0}), "all folds of heads but fold 1");
  EXPECT_EQ(seen("heads", "1", {}), "all folds of heads but fold 1");
  EXPECT_EQ(seen("heads", "1", {"", 1}), "");
  EXPECT_EQ(seen("heads", "1", {"test"}), "") << "what a data set calls test is in no fold";
  EXPECT_EQ(seen("others", "1", {"", 0}), "");
}

TEST(SeenPictures, OfASplitOrOfAll) {
  EXPECT_EQ(seen("heads, split train", "", {"train"}), "the split train of heads");
  EXPECT_EQ(seen("heads, split train", "", {}), "the split train of heads");
  EXPECT_EQ(seen("heads, split train", "", {"", 0}), "the split train of heads");
  EXPECT_EQ(seen("heads, split train", "", {"valid"}), "");
  EXPECT_EQ(seen("heads", "", {"valid"}), "all of heads");
  EXPECT_EQ(seen("others, split train", "", {"train"}), "");
  EXPECT_EQ(seen("", "", {"train"}), "") << "it does not say";
}

}  // namespace
}  // namespace fmpn::train
