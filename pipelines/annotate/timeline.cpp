#include "timeline.h"

#include <algorithm>

namespace fmpn::annotate {

void Timeline::add(int face, double start, double end, const std::vector<std::pair<std::string, double>>& distribution) {
  // A half of a nanosecond keeps a frame that begins with its bin in it.
  while (start / bin_seconds_ >= max_bins_) halve();
  Bin& bin = faces_[face][static_cast<int>(std::max(0.0, (start + 5e-10) / bin_seconds_))];
  ++bin.frames;
  bin.end = std::max(bin.end, end);
  bin.sum.resize(distribution.size());
  for (std::size_t i = 0; i < distribution.size(); ++i) bin.sum[i] += distribution[i].second;
}

void Timeline::halve() {
  bin_seconds_ *= 2;
  for (auto& [face, bins] : faces_) {
    std::map<int, Bin> wider;
    for (auto& [number, bin] : bins) {
      Bin& into = wider[number / 2];
      into.frames += bin.frames;
      into.end = std::max(into.end, bin.end);
      into.sum.resize(bin.sum.size());
      for (std::size_t i = 0; i < bin.sum.size(); ++i) into.sum[i] += bin.sum[i];
    }
    bins = std::move(wider);
  }
}

}  // namespace fmpn::annotate
