#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace fmpn::train {

/// What a confusion matrix says of one class. Shares are 0…1, and none where there is nothing to take a share of.
struct ClassScores {
  long pictures = 0;  ///< of the class
  long named = 0;     ///< pictures of any class that were given its name
  std::optional<double> recall, precision, f1;
};

/// Counts of true class (row) against named class (column).
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(std::vector<std::string> classes);
  void add(std::size_t truth, std::size_t named, long pictures = 1) { counts_[truth][named] += pictures; }
  long total() const;
  double accuracy() const;  ///< 0…1; 0 for no picture
  /// The mean recall of the classes that have pictures (unweighted average recall), 0…1; 0 for no picture.
  double balanced_accuracy() const;
  /// The mean F1 of the classes that have pictures or were named, 0…1; 0 for no picture.
  double macro_f1() const;
  ClassScores scores_of(std::size_t of) const;
  const std::vector<std::string>& classes() const { return classes_; }
  const std::vector<std::vector<long>>& counts() const { return counts_; }

 private:
  std::vector<std::string> classes_;
  std::vector<std::vector<long>> counts_;
};

/// What a model answered to pictures, one after the other, and whether it was right.
struct Answers {
  explicit Answers(std::vector<std::string> classes) : confusion(std::move(classes)) {}
  void add(std::size_t truth, std::size_t named, double its_confidence) {
    confusion.add(truth, named);
    confidence.push_back(its_confidence);
    correct.push_back(truth == named);
  }
  ConfusionMatrix confusion;
  std::vector<double> confidence;
  std::vector<bool> correct;
};

/// Expected calibration error over 15 bins of equal width (Guo et al. 2017), 0…1.
double expected_calibration_error(const std::vector<double>& confidence, const std::vector<bool>& correct);

/// What a threshold on confidence does: the share of pictures answered, and how many of the answers are right (0 for none).
struct Abstention {
  double threshold = 0, coverage = 1, accuracy = 0;
};
Abstention abstention_at(double threshold, const std::vector<double>& confidence, const std::vector<bool>& correct);

/// Of the hundredths 0…0.99 the one that answers most pictures with at least `wanted` of the answers right (selective accuracy);
/// of equal ones the highest, but 0 where all may be answered. 1, which answers none, where no hundredth does.
Abstention choose_abstention(const std::vector<double>& confidence, const std::vector<bool>& correct, double wanted);

}  // namespace fmpn::train
