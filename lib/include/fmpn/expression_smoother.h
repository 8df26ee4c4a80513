#pragma once

#include <map>
#include <string>
#include <vector>

#include <fmpn/export.h>

namespace fmpn {

struct SmootherOptions {
  double half_life = 0.2;       ///< seconds after which an old observation weighs half as much; 0: no smoothing
  double min_confidence = 0;    ///< below it the stable label is "uncertain", 0…1; ModelInfo::min_confidence has the model's own
  double hysteresis = 0.05;     ///< a new label must lead the stable one by so much
  double keep = 1.0;            ///< seconds without the face after which its expression has ended
};

/// One face's smoothed distribution and the label that follows from it.
struct SmoothedExpression {
  std::vector<float> probabilities;
  int label_id = -1;     ///< stable label; -1: uncertain
  float confidence = 0;  ///< of the stable label; of the most probable class when uncertain
};

/// A change of a face's stable label.
struct ExpressionEvent {
  enum class Kind { kOnset, kChange, kOffset };
  Kind kind = Kind::kOnset;
  int track_id = 0;
  int label_id = -1;  ///< before the end for kOffset
  int previous_id = -1;
  SmoothedExpression expression;
  double time = 0;
};

/// What fmpnclassify makes of an engine's answers over time: smooths probabilities (not labels), face by face, abstains, and says when a
/// face's stable label begins, changes, ends. Times are seconds; those of one face may only grow between two reset(). An observation may
/// come later than it was made. For one thread at a time.
class FMPN_API ExpressionSmoother {
 public:
  /// Throws kBadSetting for an option out of range.
  explicit ExpressionSmoother(const SmootherOptions& options = {});
  /// The same; they count from the next observation on.
  void set_options(const SmootherOptions& options);

  /// A new observation: a distribution that sums to 1, of as many classes as those of this face before; `judged` false for a face too bad
  /// to be judged (quality), which is uncertain and leaves no trace in the smoothed distribution. Throws kBadSetting for numbers that are
  /// not finite, and for another number of classes.
  SmoothedExpression update(int track_id, const std::vector<float>& probabilities, double time, bool judged = true);

  /// The face is there, but nothing new is known of it.
  void seen(int track_id, double time);

  /// Events since the last call, in order; ends the expressions of faces not seen for `keep` seconds. To be called on every frame: faces
  /// and events are kept until then.
  std::vector<ExpressionEvent> take_events(double now);

  /// Ends every face's expression (end of stream), each when the face was last seen.
  std::vector<ExpressionEvent> end_all();

  void reset() { faces_.clear(), events_.clear(); }

 private:
  struct Face {
    std::vector<float> probabilities;
    double observed = 0;
    double last_seen = 0;
    int label_id = -1;
    bool begun = false;
    SmoothedExpression last;
  };
  /// The label of this distribution where `standing` stood until now (-1: none did); -1: uncertain.
  int stable_label(const std::vector<float>& probabilities, int standing) const;

  SmootherOptions options_;
  std::map<int, Face> faces_;
  std::vector<ExpressionEvent> events_;
};

}  // namespace fmpn
