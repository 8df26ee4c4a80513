#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

namespace fmpn::annotate {

/// A stream's distributions over time, at a resolution that halves whenever the stream outgrows it: the memory is that of
/// `max_bins` times the faces that can be seen at once, however long the stream is.
class Timeline {
 public:
  /// A mean over one bin of one face's frames.
  struct Bin {
    int frames = 0;
    double end = 0;           ///< of the last of them, in seconds
    std::vector<double> sum;  ///< of the distributions, in the order of the classes
  };

  explicit Timeline(int max_bins = 1500, double first_bin_seconds = 1.0 / 30) : max_bins_(max_bins), bin_seconds_(first_bin_seconds) {}

  /// A frame from `start` to `end`, in seconds, ≥ 0.
  void add(int face, double start, double end, const std::vector<std::pair<std::string, double>>& distribution);

  double bin_seconds() const { return bin_seconds_; }
  /// By face, then by bin number; in bin n are the frames that begin within bin_seconds() from n × bin_seconds() on. Bins without the face
  /// are absent.
  const std::map<int, std::map<int, Bin>>& faces() const { return faces_; }

 private:
  void halve();

  int max_bins_;
  double bin_seconds_;
  std::map<int, std::map<int, Bin>> faces_;
};

}  // namespace fmpn::annotate
