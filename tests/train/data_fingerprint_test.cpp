#include "data_fingerprint.h"

#include <gtest/gtest.h>

namespace fmpn::train {
namespace {

DataSet pictures(const std::string& folder, const std::vector<int64_t>& labels) {
  DataSet data;
  data.folder = folder;
  data.labels = torch::tensor(labels, torch::kInt64);
  for (std::size_t i = 0; i < labels.size(); ++i) {
    data.paths.push_back("crops/" + std::to_string(i) + ".png");
    data.keys.push_back(i * 7919);
  }
  return data;
}

class DataFingerprint : public ::testing::Test {
 protected:
  std::string of(const std::string& folder, const std::vector<int64_t>& labels = {0, 1, 1}) const {
    return data_fingerprint(info_, pictures(folder, labels), pictures(folder, {1, 0}), masks_);
  }
  /// What a version said that took the names with the folder.
  static std::string older(std::string text) {
    const auto value_of = [&](const std::string& label) {
      const std::size_t at = text.find('\n' + label + ": ") + 1 + label.size() + 2;
      return std::pair(at, text.substr(at, text.find('\n', at) - at));
    };
    for (const std::string label : {"the pictures to train on", "the pictures held out"}) {
      const std::string with_folder = value_of("with their folder, " + label).second;
      text.replace(value_of(label).first, value_of(label).second.size(), with_folder);
    }
    return text.substr(0, text.find("with their folder, "));
  }
  static bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

  ModelInfo info_;
  torch::Tensor masks_ = torch::ones({2, 1, 4, 4});
};

TEST_F(DataFingerprint, DoesNotDependOnWhereTheDataLies) {
  EXPECT_EQ(fingerprint_difference(of("/new/place"), of("old")), "");
  EXPECT_TRUE(contains(fingerprint_difference(of("a", {0, 1, 0}), of("a")), "the pictures to train on: 3 named "));
  EXPECT_TRUE(contains(fingerprint_difference(of("a", {0, 1}), of("a")), "the pictures to train on: 2 named "));
  const std::string before = of("a");
  masks_[0][0][2][2] = 0.5;
  EXPECT_TRUE(contains(fingerprint_difference(of("a"), before), "the masks: "));
  masks_[0][0][2][2] = 1;
  info_.color = "gray";
  EXPECT_TRUE(contains(fingerprint_difference(of("a"), before), "the colour: gray (the run: "));
}

TEST_F(DataFingerprint, OfAnOlderVersionIsComparedAsThatVersionDid) {
  const std::string run = older(of("data"));
  ASSERT_TRUE(contains(run, "\nthe pictures to train on: 3, ")) << run;
  EXPECT_EQ(fingerprint_difference(of("data"), run), "");
  EXPECT_TRUE(contains(fingerprint_difference(of("data", {0, 1, 0}), run), "the pictures to train on: 3, "));
  EXPECT_TRUE(contains(fingerprint_difference(of("moved"), run), "give the data set's folder as it was given then"));
  EXPECT_EQ(fingerprint_difference(of("data"), run.substr(0, run.find("the pixels"))), "") << "one that did not ask for pixels";
}

}  // namespace
}  // namespace fmpn::train
